// List with a text filter, paging and an empty state.

import { button, h } from "./elements.js";
import { attempt, errorAlert } from "./page.js";
import { t } from "./texts.js";

/**
 * Create a list of the items in `pages`. `viewState` stores the filter text.
 *
 * `renderRows(items)` returns {rows, count}, and `matches(item, text)` decides whether the filter includes an item.
 * The element has the methods `update` (redraw), `retry` (load again) and `focusStatus`.
 */
export function filterableList({
  name,
  pages,
  viewState,
  headings,
  renderRows,
  matches,
  emptyContent,
  tools = [],
  onLoad,
}) {
  const container = h("div", { class: "list" });
  const status = h("p", { class: "quiet status", role: "status", tabindex: "-1" });
  const moreButton = button(t("partner.more"), () => load("more"));
  const footer = h("div", { class: "actions" }, moreButton);
  const filterField = h("input", {
    type: "search",
    id: `${name}-filter`,
    value: viewState.text ?? "",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => {
      viewState.text = filterField.value;
      update();
      if (viewState.text.trim() && !pages.done) load("all");
    },
  });
  let error;

  async function load(method) {
    error = undefined;
    const pending = attempt(() => pages[method](), {
      onError: (caught) => {
        error = caught;
      },
    });
    update();
    await pending;
    update();
    onLoad?.();
  }

  function update() {
    const text = (viewState.text ?? "").trim().toLowerCase();
    const matching = text ? pages.items.filter((item) => matches(item, text)) : pages.items;
    const { rows, count } = renderRows(matching, text);
    const isLoading = !pages.done && (pages.pending || !pages.started);
    if (count) {
      container.replaceChildren(
        h(
          "table",
          { class: "cards", "aria-label": t(`partner.tab.${name}`) },
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              headings.map((each) => h("th", { scope: "col" }, each)),
            ),
          ),
          rows,
        ),
      );
    } else if (error || isLoading) {
      container.replaceChildren();
    } else {
      container.replaceChildren(
        h("div", { class: "note" }, text ? h("p", {}, t("partner.nothing_found")) : emptyContent()),
      );
    }
    if (error) {
      container.append(
        errorAlert(error),
        h(
          "div",
          { class: "actions" },
          button(t("partner.again"), () => load("more")),
        ),
      );
    }
    status.textContent = statusText(count, text, isLoading);
    footer.hidden = pages.done || isLoading || Boolean(error);
  }

  function statusText(count, text, isLoading) {
    if (isLoading) return t("loading");
    if (error) return "";
    if (text) return t("partner.found", { n: count });
    return t(pages.done ? `partner.count.${name}` : `partner.so_far.${name}`, { n: count });
  }

  const element = h(
    "div",
    {},
    h(
      "div",
      { class: "filters" },
      h("div", { class: "filter" }, h("label", { for: `${name}-filter` }, t(`partner.filter.${name}`)), filterField),
      tools,
    ),
    status,
    container,
    footer,
  );
  update();
  if (!pages.started || pages.pending) load(viewState.text?.trim() ? "all" : "more");
  return Object.assign(element, { update, retry: () => load("more"), focusStatus: () => status.focus() });
}

export function includesText(text, ...values) {
  return values.some((value) => value?.toLowerCase().includes(text));
}

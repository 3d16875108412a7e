// List with a text filter, paging and an empty state.

import { button, h, infoNote, table } from "./elements.js";
import { searchable } from "./normalization.js";
import { attempt, errorAlert } from "./page.js";
import { t } from "./texts.js";

/** @typedef {HTMLElement & { update: () => void; retry: () => Promise<void>; focusStatus: () => void }} ListElement */

/**
 * @template Item
 * @typedef {object} ListOptions
 * @property {"clients" | "employees" | "links"} name
 * @property {import("./paged-items.js").Pages<Item>} pages
 * @property {{ text?: string }} viewState
 * @property {string[]} headings
 * @property {(items: Item[]) => { rows: HTMLElement | HTMLElement[]; count: number }} renderRows
 * @property {(item: Item, text: string) => boolean | undefined} matches
 * @property {() => Content} emptyContent
 * @property {Content} [tools] Further filters.
 * @property {() => void} [onLoad]
 */

/**
 * Create a list of the items in `pages`. `viewState` stores the filter text.
 *
 * `renderRows(items)` returns {rows, count}, and `matches(item, text)` decides whether the filter includes an item.
 * The element has the methods `update` (redraw), `retry` (load again) and `focusStatus`.
 *
 * @template Item
 * @param {ListOptions<Item>} options
 * @returns {ListElement}
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
      if (filterField.value.trim() && !pages.done) load("all");
    },
  });
  /** @type {Api.Failure | undefined} */
  let error;

  /** @param {"all" | "more"} method */
  async function load(method) {
    error = undefined;
    const pending = attempt(() => pages[method](), {
      onError: (caught) => {
        error = caught;
      },
    });
    update();
    try {
      await pending;
    } finally {
      update();
    }
    onLoad?.();
  }

  function update() {
    const text = searchable(viewState.text ?? "");
    const matching = text ? pages.items.filter((item) => matches(item, text)) : pages.items;
    const { rows, count } = renderRows(matching);
    const isLoading = !pages.done && (Boolean(pages.pending) || !pages.started);
    if (count) {
      container.replaceChildren(table({ "aria-label": t(`partner.tab.${name}`) }, headings, rows));
    } else if (error || isLoading) {
      container.replaceChildren();
    } else {
      container.replaceChildren(infoNote(text ? h("p", {}, t("partner.nothing_found")) : emptyContent()));
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
    status.classList.toggle("waiting", isLoading);
    footer.hidden = pages.done || isLoading || Boolean(error);
  }

  /**
   * @param {number} count
   * @param {string} text
   * @param {boolean} isLoading
   */
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

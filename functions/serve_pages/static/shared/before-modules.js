// Runs before the modules load. It hides the secret of a link, and shows errors that no module handles.
{
  /** Show that something failed, also in the first load. Nothing is left that waits. */
  const showFailure = () => {
    const note = document.getElementById("failure");
    if (!note) return addEventListener("DOMContentLoaded", showFailure);
    if (window.initialLinkHash) history.replaceState(history.state, "", window.initialLinkHash);
    document.querySelector("dialog[open]")?.append(note);
    document.querySelectorAll(".waiting").forEach((each) => each.replaceChildren());
    document.getElementById("main")?.removeAttribute("aria-busy");
    note.hidden = false;
    note.scrollIntoView({ block: "nearest" });
  };

  /**
   * Return whether the error is one of a script of this page. Extensions of the browser have errors of their own.
   *
   * @param {ErrorEvent} event
   */
  const isOwnError = ({ target, filename }) =>
    target instanceof HTMLScriptElement ||
    (target === window && (filename || location.origin).startsWith(location.origin));

  addEventListener("error", (event) => isOwnError(event) && showFailure(), true);
  addEventListener("unhandledrejection", showFailure);
  addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("#failure button")) location.reload();
  });

  /** Return whether the tab can keep the link during the sign-in. Otherwise it stays in the address bar. */
  const canKeepLink = () => {
    try {
      sessionStorage.setItem("probe", "");
      return true;
    } catch {
      return false;
    }
  };

  if (location.hash.startsWith("#pal_")) {
    window.initialLinkHash = location.hash;
    if (canKeepLink()) history.replaceState(null, "", location.pathname);
  }
}

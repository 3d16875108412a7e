// Runs before the modules load, to remove the link secret from the address bar at once. link-secret.js reads it.
if (location.hash.startsWith("#pal_")) {
  window.initialLinkHash = location.hash;
  history.replaceState(null, "", location.pathname);
}

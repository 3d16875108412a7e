// Runs before the modules load, to remove the link secret from the address bar at once. secret.js reads it from here.
if (location.hash.startsWith("#pal_")) {
  window.initialLinkHash = location.hash;
  history.replaceState(null, "", location.pathname);
}

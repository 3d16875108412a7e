// Runs before anything else is loaded, so that the secret of a link leaves the address bar at once; secret.js takes it over.
if (location.hash.startsWith("#pal_")) {
  window.openedWith = location.hash;
  history.replaceState(null, "", location.pathname);
}

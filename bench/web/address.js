/** What is shown, in the page's address behind the #: to be sent, kept as a bookmark, and gone back through. */
const remembered = [];

/**
 * Keep a setting in the address.
 * `read` gives its text, or a list of texts, empty for what the page starts with; `write` takes such a list.
 */
function remember(name, read, write) {
  remembered.push({ name, read, write });
}

function addressNow() {
  const words = new URLSearchParams();
  for (const { name, read } of remembered) {
    for (const text of [read()].flat()) if (text) words.append(name, text);
  }
  return words.toString();
}

/** Write the settings into the address; as a step that the browser's back button undoes, where that is wanted. */
function saveAddress(step = false) {
  const text = addressNow();
  if (text === new URLSearchParams(location.hash.slice(1)).toString()) return;
  try {
    history[step ? "pushState" : "replaceState"](null, "", `#${text}`);
  } catch {
    // a browser that allows no more changes for a while; the page works without
  }
}

function restoreAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  for (const { name, write } of remembered) write(words.getAll(name));
}

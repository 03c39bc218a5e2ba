/** Light or dark: as the system says, until the reader says otherwise. */
function setUpTheme() {
  const button = byId("theme");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const chosen = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  // Storage may be refused for a page opened from disk; the theme is then not remembered.
  const storage = (act) => {
    try {
      return act();
    } catch {
      return null;
    }
  };
  const before = storage(() => localStorage.getItem("rdbench-theme"));
  if (before === "dark" || before === "light") root.dataset.theme = before;
  const show = () => (button.textContent = chosen() === "dark" ? "Light theme" : "Dark theme");
  button.onclick = () => {
    root.dataset.theme = chosen() === "dark" ? "light" : "dark";
    storage(() => localStorage.setItem("rdbench-theme", root.dataset.theme));
    show();
  };
  dark.addEventListener("change", show);
  show();
}

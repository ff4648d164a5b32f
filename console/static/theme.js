// Light or dark: as the system has it, until somebody chooses; the choice is a cookie, so that the
// server sends the next page in it and nothing flashes.

const YEAR_SECONDS = 365 * 24 * 3600;

export function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=${YEAR_SECONDS}; samesite=strict`;
}

export function startTheme() {
  for (const button of document.querySelectorAll('[data-action="theme"]')) {
    button.addEventListener("click", toggleTheme);
  }
}

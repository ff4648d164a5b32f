// What every page has: the theme, the keyboard shortcuts, and a word when nothing answers.

import { startConnection } from "./connection.js";
import { startShortcuts } from "./shortcuts.js";
import { startTheme } from "./theme.js";

startTheme();
startShortcuts();
startConnection();

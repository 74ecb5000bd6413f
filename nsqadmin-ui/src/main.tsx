import { render } from "preact";
import { startPoller } from "./api/poller";
import { App } from "./app";
import { startRouter } from "./router";
import { startClock } from "./state/live";
import { startPrefs } from "./state/prefs";
import { startShortcuts } from "./state/shortcuts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/table.css";
import "./styles/parts.css";
import "./styles/pages.css";

startRouter();
startPrefs();
startClock();
startPoller();
startShortcuts();

const root = document.getElementById("app");
if (root) render(<App />, root);

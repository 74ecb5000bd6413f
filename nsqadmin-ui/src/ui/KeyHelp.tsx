import { Dialog } from "./Dialog";

const KEYS: [string, string][] = [
  ["/", "Filter the table"],
  ["Ctrl K  ⌘K", "Search everything"],
  ["g o", "Overview"],
  ["g t", "Topics"],
  ["g c", "Channels"],
  ["g u", "Clients"],
  ["g n", "Nodes"],
  ["g l", "Lookup"],
  ["j k  ↓ ↑", "Next, previous row"],
  ["Enter", "Open the row"],
  ["x", "Select the row"],
  ["Shift x", "Select up to the row"],
  [".", "Menu of the row"],
  ["p", "Pause or unpause…"],
  ["e", "Empty…"],
  ["r", "Refresh now"],
  ["h", "Hold or resume updates"],
  ["t", "Time range"],
  ["?", "This list"],
  ["Esc", "Close"],
];

export function KeyHelp() {
  return (
    <Dialog title="Keyboard shortcuts">
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">
        No key loses anything: those for acts open their dialog. Single keys can be switched off in the settings.
      </p>
    </Dialog>
  );
}

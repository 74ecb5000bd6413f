import { closeToast, toasts } from "../state/toasts";
import { GLYPH } from "./Badge";
import { Icon } from "./Icon";

/** What was done, said politely to screen readers as well. */
export function ToastHost() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={`toast ${toast.kind}`}>
          <span aria-hidden="true" class={`mark ${toast.kind}`}>
            {GLYPH[toast.kind]}
          </span>
          <div>
            {toast.text}
            {toast.details?.map((line) => (
              <div key={line} class="toast-detail">
                {line}
              </div>
            ))}
          </div>
          {toast.action && (
            <button
              type="button"
              class="button small"
              onClick={() => {
                closeToast(toast.id);
                toast.action?.run();
              }}
            >
              {toast.action.label}
            </button>
          )}
          <button type="button" class="icon-button" aria-label="Close" onClick={() => closeToast(toast.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

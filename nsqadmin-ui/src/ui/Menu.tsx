/** One menu for the whole page, opened beside what was pressed. */

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface MenuItem {
  label: string;
  run?: () => void;
  href?: string;
  /** Leads away from nsqadmin. */
  external?: boolean;
  hint?: string;
  checked?: boolean;
  /** Why it cannot be chosen. */
  disabled?: string | undefined;
  danger?: boolean;
  /** A heading instead of an item. */
  heading?: boolean;
  /** Name under which a shortcut chooses it. */
  id?: string;
  /** Stays open when chosen. */
  keeps?: boolean;
}

interface Open {
  items: () => MenuItem[];
  anchor: Element;
  label: string;
}

const open = signal<Open | null>(null);

export function openMenu(anchor: Element, label: string, items: MenuItem[] | (() => MenuItem[])): void {
  open.value = { anchor, label, items: typeof items === "function" ? items : () => items };
}

function place(list: HTMLElement, anchor: Element): void {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = list;
  const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
  const below = at.bottom + 4;
  const top = below + height > innerHeight - 8 ? Math.max(8, at.top - height - 4) : below;
  list.style.left = `${left}px`;
  list.style.top = `${top}px`;
}

function Item({ item, close }: { item: MenuItem; close: () => void }) {
  if (item.heading)
    return (
      <div role="presentation" class="menu-heading">
        {item.label}
      </div>
    );
  const checkable = item.checked !== undefined;
  const attributes = {
    role: (checkable ? "menuitemcheckbox" : "menuitem") as "menuitemcheckbox" | "menuitem",
    "aria-checked": checkable ? item.checked : undefined,
    "aria-disabled": item.disabled ? true : undefined,
    tabIndex: -1,
    class: `menu-item${item.danger ? " danger" : ""}`,
    title: item.disabled,
  };
  const content = (
    <>
      {checkable && <span class="check">{item.checked ? "✓" : ""}</span>}
      <span>{item.label}</span>
      {(item.hint || item.disabled) && <span class="hint">{item.disabled ?? item.hint}</span>}
    </>
  );
  if (item.href && !item.disabled)
    return (
      <div role="presentation">
        <a
          {...attributes}
          href={item.href}
          {...(item.external ? { rel: "noreferrer", target: "_blank" } : {})}
          onClick={close}
        >
          {content}
        </a>
      </div>
    );
  const choose = () => {
    if (item.disabled) return;
    if (!item.keeps) close();
    item.run?.();
  };
  return (
    <div role="presentation">
      <button type="button" {...attributes} onClick={choose}>
        {content}
      </button>
    </div>
  );
}

export function MenuHost() {
  const list = useRef<HTMLDivElement>(null);
  const current = open.value;
  const close = () => {
    const anchor = open.peek()?.anchor;
    open.value = null;
    if (anchor instanceof HTMLElement && anchor.isConnected) anchor.focus();
  };
  useEffect(() => {
    const element = list.current;
    if (!current || !element) return;
    element.showPopover();
    place(element, current.anchor);
    element.querySelector<HTMLElement>(".menu-item")?.focus();
  }, [current]);
  if (!current) return null;
  const move = (event: KeyboardEvent) => {
    const all = [...(list.current?.querySelectorAll<HTMLElement>(".menu-item") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (next !== undefined) {
      event.preventDefault();
      all[(next + all.length) % all.length]?.focus();
    } else if (/^[a-z]$/i.test(event.key)) {
      const rest = [...all.slice(at + 1), ...all.slice(0, at + 1)];
      rest.find((item) => item.textContent?.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    }
    event.stopPropagation();
  };
  return (
    <div
      ref={list}
      class="menu"
      role="menu"
      popover="auto"
      aria-label={current.label}
      onKeyDown={move}
      onToggle={(event) => {
        if (event.newState === "closed" && open.peek() === current) open.value = null;
      }}
    >
      {current.items().map((item) => (
        <Item key={item.label} item={item} close={close} />
      ))}
    </div>
  );
}

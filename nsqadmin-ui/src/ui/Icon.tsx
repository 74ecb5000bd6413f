/** Line drawings of 16 by 16; they take the colour of the text around them. */
const PATHS = {
  star: "M8 2l1.8 3.9 4.2.5-3.1 2.9.8 4.2L8 11.4 4.3 13.5l.8-4.2L2 6.4l4.2-.5z",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6 14 14",
  close: "M4 4l8 8M12 4l-8 8",
  menu: "M2.5 4h11M2.5 8h11M2.5 12h11",
  down: "M4 6l4 4 4-4",
  right: "M6 4l4 4-4 4",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  theme: "M8 14A6 6 0 1 0 8 2zM8 2v12",
  user: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14c.5-3 2.5-4.5 5.5-4.5s5 1.5 5.5 4.5",
  help: "M6 6a2 2 0 1 1 3 1.7c-.7.4-1 .8-1 1.6M8 12h.01M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z",
  columns: "M2 3h12v10H2zM6 3v10M10 3v10",
  pause: "M6 3v10M10 3v10",
  play: "M5 3l8 5-8 5z",
  refresh: "M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3",
  full: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  external: "M7 3H3v10h10V9M9 3h4v4M13 3L7.5 8.5",
  logo: "M3.5 12L8 4l4.5 8zM8 5.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM3.5 13.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM12.5 13.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }) {
  return (
    <svg class={`icon icon-${name}${filled ? " filled" : ""}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

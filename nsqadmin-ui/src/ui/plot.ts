/** Drawing on a canvas with uPlot; a chunk of its own. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Samples, SeriesData } from "../api/types";

export interface Plot {
  update: (data: SeriesData, values: Samples[]) => void;
  destroy: () => void;
}

const HEIGHT = 180;
const DASHES = [[], [6, 4], [2, 3], [8, 3, 2, 3]];

/** A colour of the theme, `rgb(1, 2, 3)`: what it comes to is known only where it is used. */
function colour(host: HTMLElement, name: string): string {
  host.style.color = `var(${name})`;
  const { color } = getComputedStyle(host);
  host.style.removeProperty("color");
  return color;
}

function faint(colour: string): string {
  return colour.replace(/\)$/, ", 0.13)");
}

/** `2026-11-20 10:32:05` in UTC or here. */
function zoned(utc: boolean): (seconds: number) => Date {
  return (seconds) => (utc ? uPlot.tzDate(new Date(seconds * 1000), "UTC") : new Date(seconds * 1000));
}

export function createPlot(
  host: HTMLElement,
  labels: readonly string[],
  format: (value: number | null) => string,
  area: boolean,
  utc: boolean,
): Plot {
  const muted = colour(host, "--muted");
  const grid = { stroke: colour(host, "--line"), width: 1 };
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: muted, grid, ticks: { show: false }, font };
  const series = labels.map((label, i): uPlot.Series => {
    const stroke = colour(host, `--series-${i + 1}`);
    return {
      label,
      stroke,
      width: 1.5,
      dash: DASHES[i] ?? [],
      spanGaps: false,
      points: { show: false },
      value: (_, v) => format(v),
      ...(area && i === 0 ? { fill: faint(stroke) } : {}),
    };
  });
  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.hidden = true;
  const options: uPlot.Options = {
    width: host.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    tzDate: zoned(utc),
    cursor: { sync: { key: "page" }, drag: { x: true, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.08, 1)] } },
    axes: [
      { ...axis, space: 70, size: 30, values: "{HH}:{mm}" },
      { ...axis, size: 56, values: (_, ticks) => ticks.map((v) => format(v).replace(/\.0(?=\/|$)/, "")) },
    ],
    series: [{}, ...series],
    hooks: {
      setCursor: [(u) => hover(u, tip, labels, format, utc)],
    },
  };
  const plot = new uPlot(options, [[], ...labels.map(() => [])], host);
  plot.over.append(tip);
  const observer = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: HEIGHT }));
  observer.observe(host);
  return {
    update: (data, values) => {
      const length = Math.max(0, ...values.map((v) => v.length));
      const times = Array.from({ length }, (_, i) => (data.from + i * data.step_ms) / 1000);
      const zoomed = plot.select.width > 0;
      plot.setData([times, ...values.map((v) => times.map((_, i) => v[i] ?? null))], !zoomed);
    },
    destroy: () => {
      observer.disconnect();
      plot.destroy();
    },
  };
}

function hover(
  plot: uPlot,
  tip: HTMLElement,
  labels: readonly string[],
  format: (value: number | null) => string,
  utc: boolean,
): void {
  const { idx, left = -1 } = plot.cursor;
  const time = idx === null || idx === undefined ? undefined : plot.data[0][idx];
  tip.hidden = time === undefined || left < 0;
  if (time === undefined || idx === null || idx === undefined) return;
  const at = new Date(time * 1000).toLocaleTimeString("en-GB", utc ? { timeZone: "UTC" } : {});
  const values = labels.map((label, i) => `${label} ${format(plot.data[i + 1]?.[idx] ?? null)}`);
  tip.textContent = [at, ...values].join("\n");
  tip.style.left = `${Math.max(0, Math.min(left + 10, plot.over.clientWidth - tip.offsetWidth))}px`;
}

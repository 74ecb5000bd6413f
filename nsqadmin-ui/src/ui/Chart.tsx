/** Charts. The library that draws them is loaded with the first one. */

import { useEffect, useRef, useState } from "preact/hooks";
import { encode, type Failure } from "../api/client";
import { useResource } from "../api/poller";
import type { Samples, SeriesData } from "../api/types";
import { base } from "../boot";
import * as f from "../lib/format";
import { renderUrl, target } from "../lib/graphite";
import { isKeeping, kept } from "../state/history";
import { lastAnswer, meta } from "../state/live";
import { chartSource, exactNumbers, RANGES, range, theme, utc } from "../state/prefs";
import { loaded } from "./later";
import type { Plot } from "./plot";

export interface Line {
  entity: string;
  metric: string;
  label: string;
}

export type Unit = "rate" | "count" | "bytes";

interface ChartProps {
  title: string;
  lines: Line[];
  unit: Unit;
  /** Fills the area below the first line. */
  area?: boolean;
  /** Shows this range whatever was chosen. */
  seconds?: number;
}

const FORMAT: Record<Unit, (value: number | null) => string> = {
  rate: (v) => (v === null ? "–" : `${f.rate(v)}/s`),
  count: (v) => (v === null ? "–" : f.brief(Math.round(v))),
  bytes: (v) => (v === null ? "–" : f.bytes(v)),
};

/** Charts of one page side by side, with one cursor. */
export function Charts({ charts }: { charts: ChartProps[] }) {
  if (range.value === "off") return null;
  return (
    <div class="charts">
      {charts.map((chart) => (
        <Chart key={chart.title} {...chart} />
      ))}
    </div>
  );
}

function seriesPath(lines: Line[], seconds: number, isGraphite: boolean): string {
  const entities = [...new Set(lines.map((l) => l.entity))].map((e) => `entity=${encode(e)}`).join("&");
  const metrics = [...new Set(lines.map((l) => l.metric))].join(",");
  const source = isGraphite ? "&source=graphite" : "";
  return `series?${entities}&metric=${encode(metrics)}&range_ms=${seconds * 1000}&points=300${source}`;
}

interface Asked {
  data: SeriesData | undefined;
  error: Failure | null;
  isGraphite: boolean;
}

/** The samples of a chart: nsqadmin's, Graphite's if that was chosen, or those that this browser has kept itself. */
function useSeries(lines: Line[], seconds: number): Asked {
  const about = meta.value;
  const isGraphite =
    chartSource.value === "graphite" &&
    about !== null &&
    about.graphite.mode !== "off" &&
    lines.some((l) => target(about.statsd, l.entity, l.metric) !== null);
  const isOwn = isKeeping.value && !isGraphite;
  const resource = useResource<SeriesData>(isOwn ? null : seriesPath(lines, seconds, isGraphite), 5000);
  if (isOwn && lastAnswer.value > 0) return { data: kept(lines, seconds * 1000), error: null, isGraphite };
  return { data: resource.envelope.value?.data, error: resource.error.value, isGraphite };
}

const LINES = ["solid", "dash", "dot", "dash-dot"];

export function Chart({ title, lines, unit, area = false, seconds }: ChartProps) {
  const shownSeconds = seconds ?? RANGES[range.value] ?? 3600;
  const { data, error, isGraphite } = useSeries(lines, shownSeconds);
  const [asTable, setAsTable] = useState(false);
  const about = meta.value;
  const graphite = about ? renderUrl(about, base, lines, shownSeconds) : null;
  const values = lines.map(
    (line) => data?.series.find((s) => s.entity === line.entity && s.metric === line.metric)?.values ?? [],
  );
  const known = values.some((v) => v.some((x) => x !== null));
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="legend">
          {lines.map((line, i) => (
            <span key={line.label} class={`legend-item line-${i + 1}`}>
              <svg viewBox="0 0 20 4" width="20" height="4" aria-hidden="true">
                <path d="M0 2h20" class={LINES[i]} />
              </svg>
              {line.label} <strong>{FORMAT[unit](last(values[i] ?? []))}</strong>
            </span>
          ))}
        </span>
        <span class="spring" />
        {graphite && (
          <a class="chart-graphite" href={graphite} rel="noreferrer" target="_blank">
            Graphite
          </a>
        )}
        <button type="button" class="button quiet small" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          Table
        </button>
      </figcaption>
      {data && !known && <p class="chart-none muted">{nothing(isGraphite)}</p>}
      {!data && error && !error.unreachable && <p class="chart-none muted">{error.message}</p>}
      {data && !known && isGraphite && <Expressions data={data} />}
      {data && known && !asTable && (
        <>
          <Canvas data={data} values={values} lines={lines} unit={unit} area={area} />
          <p class="sr">{lines.map((line, i) => summary(line.label, values[i] ?? [], unit)).join(" ")}</p>
        </>
      )}
      {data && known && asTable && <SampleTable data={data} values={values} lines={lines} unit={unit} title={title} />}
      {!data && !error && <div class="chart-space" />}
    </figure>
  );
}

function nothing(isGraphite: boolean): string {
  if (isGraphite) return "Graphite has no samples in this range.";
  return isKeeping.value
    ? "No samples in this range yet; they begin when this page is opened (--stats-interval is 0)."
    : "No samples in this range yet; they begin when nsqadmin starts.";
}

/** What Graphite was asked, for who has to find out why it knows nothing. */
function Expressions({ data }: { data: SeriesData }) {
  return (
    <details class="expressions">
      <summary>What was asked</summary>
      <ul class="plain">
        {data.series.map((s) => (
          <li key={s.target}>
            <code>{s.target}</code>
          </li>
        ))}
      </ul>
      <code>{data.url}</code>
    </details>
  );
}

function last(values: Samples): number | null {
  return values.findLast((v) => v !== null) ?? null;
}

/** What a chart shows, in words. */
export function summary(label: string, values: Samples, unit: Unit): string {
  const known = values.filter((v): v is number => v !== null);
  if (known.length === 0) return `${label}: no samples.`;
  const show = FORMAT[unit];
  const first = known[0] ?? 0;
  const end = known.at(-1) ?? 0;
  const way = end > first * 1.05 ? "rising" : end < first * 0.95 ? "falling" : "steady";
  return `${label}: last ${show(end)}, least ${show(Math.min(...known))}, most ${show(Math.max(...known))}, ${way}.`;
}

interface CanvasProps {
  data: SeriesData;
  values: Samples[];
  lines: Line[];
  unit: Unit;
  area: boolean;
}

function Canvas({ data, values, lines, unit, area }: CanvasProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const look = `${theme.value} ${utc.value} ${exactNumbers.value} ${lines.map((l) => l.label).join()}`;
  const latest = useRef({ data, values });
  latest.current = { data, values };
  useEffect(() => {
    let gone = false;
    void loaded(
      () => import("./plot"),
      () => gone,
    ).then((module) => {
      if (gone || !module || !host.current) return;
      const names = lines.map((line) => line.label);
      plot.current = module.createPlot(host.current, names, FORMAT[unit], area, utc.value);
      plot.current.update(latest.current.data, latest.current.values);
    });
    return () => {
      gone = true;
      plot.current?.destroy();
      plot.current = null;
    };
  }, [look]);
  useEffect(() => plot.current?.update(data, values), [data, values]);
  return <div ref={host} class="chart-space" aria-hidden="true" />;
}

const TABLE_ROWS = 60;

function SampleTable({ data, values, lines, unit, title }: Omit<CanvasProps, "area"> & { title: string }) {
  const length = Math.max(...values.map((v) => v.length));
  const rows = Array.from({ length: Math.min(length, TABLE_ROWS) }, (_, i) => length - 1 - i);
  return (
    <div class="table-region chart-table" tabIndex={0} role="region" aria-label={`${title}, samples`}>
      <table>
        <caption class="sr">{title}, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map((line) => (
              <th key={line.label} scope="col" class="numeric">
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((i) => (
            <tr key={i}>
              <th scope="row">{f.clock(data.from + i * data.step_ms, utc.value)}</th>
              {lines.map((line, j) => (
                <td key={line.label} class="numeric">
                  {FORMAT[unit](values[j]?.[i] ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

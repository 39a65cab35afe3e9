import { z } from "zod";

import { tableOf } from "./markdown.ts";

const rowSchema = z.looseObject({
  name: z.string(),
  value: z.number(),
  unit: z.string(),
  p50: z.number().optional(),
  p99: z.number().optional(),
  bound: z.number().optional(),
  ratio: z.number().optional(),
  target: z.number().optional(),
  met: z.boolean().optional(),
  machine: z.string().optional(),
  versions: z.record(z.string(), z.string()).optional(),
  date: z.string().optional(),
});
const topicSchema = z.union([z.array(rowSchema).min(1), z.record(z.string(), z.unknown())]);

type Row = z.output<typeof rowSchema>;
type Stamp = Pick<Row, "machine" | "versions" | "date">;

/** What the files of bench/results are about, in the order of the page; others follow by their names. */
const TITLES: Readonly<Record<string, string>> = {
  market: "From a purchase to a signed state",
  gas: "Gas of every transaction",
  address: "Finding a worker by its public key",
  messages: "Messages",
  ledger: "The development ledger",
  engine: "Engines",
  executions: "Executions",
  scale: "A worker's runners",
  content: "Content between workers",
  state: "States from 1 KiB to 512 MiB",
  audit: "Audits",
  indexer: "The index",
  grid: "The grid",
  workloads: "Watching deployments",
  channels: "What clients of a channel get",
  "channels-engine": "What a channel's members can do",
  "channels-sync": "Coming to a channel's state",
  simulation: "Simulated executions",
  "simulation-channels": "Simulated channels",
  "channel-model": "The searched model of channels",
  mutation: "Mutations of the contracts",
};
const COLUMNS = ["p50", "p99", "bound", "ratio", "target", "met"] as const;
/** Of results that are no rows: what is no figure. */
const NOT_FIGURES = new Set(["commit", "replay", "machine", "versions", "date", "treeAsCommitted"]);

/**
 * docs/benchmarks.md, of nothing but the results.
 *
 * @param results the contents of bench/results by file, without its extension
 * @throws ZodError for a file that holds no results
 */
export function benchmarksPage(results: ReadonlyMap<string, unknown>): string {
  const order = Object.keys(TITLES);
  const placeOf = (topic: string): number => (order.includes(topic) ? order.indexOf(topic) : order.length);
  const topics = [...results]
    .map(([topic, content]) => ({ topic, content: topicSchema.parse(content) }))
    .toSorted((a, b) => placeOf(a.topic) - placeOf(b.topic) || (a.topic < b.topic ? -1 : 1));
  return [
    "# Benchmarks",
    "<!-- Made by `npm run bench:all` of bench/results. -->",
    "Every figure that was measured of SPRF, as the files in [bench/results](../bench/results) have it: `npm run bench:all` makes this page of them, `npm run bench:all -- --run` measures all of them anew before, which takes hours of a machine that does nothing else.",
    "`bound` is what the figure is compared with, mostly the bare operation in the same run on the same machine; `ratio` is the figure against it. `target` is what was aimed at, for the figure or for its ratio, and `met` says whether that came true. What has no target was measured to be known.",
    summaryOf(topics),
    ...topics.flatMap(({ topic, content }) => [
      `## ${TITLES[topic] ?? topic}`,
      stampsOf(Array.isArray(content) ? content : stampsIn(content), topic),
      Array.isArray(content) ? rowsTable(content) : figuresTable(content),
    ]),
    "",
  ].join("\n\n");
}

function summaryOf(
  topics: ReadonlyArray<{ readonly topic: string; readonly content: z.output<typeof topicSchema> }>,
): string {
  const judged = topics.flatMap(({ topic, content }) =>
    (Array.isArray(content) ? content : []).filter(({ met }) => met !== undefined).map((row) => ({ topic, row })),
  );
  const missed = judged.filter(({ row: { met } }) => met === false);
  const said = `Of ${judged.length} figures with a target or limit, ${judged.length - missed.length} meet it and ${missed.length} ${missed.length === 1 ? "misses" : "miss"} it`;
  if (missed.length === 0) return `${said}.`;
  const rows = missed.map(({ topic, row: { name, value, unit, ratio, target, bound } }) => [
    TITLES[topic] ?? topic,
    name,
    `${numberOf(value)} ${unit}`,
    numberOf(ratio),
    numberOf(target ?? bound),
  ]);
  return `${said}:\n\n${tableOf(["of", "figure", "value", "ratio", "target"], rows)}`;
}

function rowsTable(rows: readonly Row[]): string {
  const used = COLUMNS.filter((column) => rows.some((row) => row[column] !== undefined));
  const cells = rows.map((row) => [
    row.name,
    numberOf(row.value),
    row.unit,
    ...used.map((column) => (column === "met" ? verdictOf(row.met) : numberOf(row[column]))),
  ]);
  return tableOf(["figure", "value", "unit", ...used], cells);
}

/** Numbers below a name each, and lists by how long they are. */
function figuresTable(content: Readonly<Record<string, unknown>>): string {
  return tableOf(["figure", "value"], [...figuresIn(content, "")]);
}

function* figuresIn(value: unknown, path: string): Generator<readonly [string, string]> {
  if (typeof value === "number") yield [path, numberOf(value)];
  else if (Array.isArray(value)) yield* listFigures(value, path);
  else if (typeof value === "object" && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      if (!NOT_FIGURES.has(name)) yield* figuresIn(part, path === "" ? name : `${path}: ${name}`);
    }
  }
}

/** Of a list of things with names, the figures of each; of another, how many there are. */
function* listFigures(list: readonly unknown[], path: string): Generator<readonly [string, string]> {
  const named = z.array(z.looseObject({ name: z.string() })).safeParse(list);
  if (!named.success || list.length === 0) yield [path, numberOf(list.length)];
  else for (const { name, bounds: _, ...figures } of named.data) yield* figuresIn(figures, name);
}

/** Those of results that are no rows: their own, or those of their runs. */
function stampsIn(content: Readonly<Record<string, unknown>>): readonly Stamp[] {
  const stamp = rowSchema.pick({ machine: true, versions: true, date: true });
  const { runs } = content;
  return z.array(stamp).parse(Array.isArray(runs) ? runs : [content]);
}

function stampsOf(stamps: readonly Stamp[], topic: string): string {
  const said = stamps.map(({ machine, versions, date }) => {
    const parts = Object.entries(versions ?? {}).map(([name, version]) => `${name} ${version}`);
    return [machine, parts.join(", "), date?.slice(0, "2026-01-01".length)].filter(Boolean).join("; ");
  });
  const source = `[bench/results/${topic}.json](../bench/results/${topic}.json)`;
  return [source, ...new Set(said.filter((each) => each !== ""))].join("; ");
}

function verdictOf(met: boolean | undefined): string {
  return met === undefined ? "" : met ? "yes" : "**no**";
}

function numberOf(value: number | undefined): string {
  return value === undefined ? "" : value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

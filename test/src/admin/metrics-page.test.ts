import { readFileSync } from "node:fs";

import { expect } from "chai";
import { register } from "prom-client";
import { format } from "prettier";

import { createPrometheusMetrics } from "../../../src/adapters/metrics/prometheus.ts";
import { METRICS } from "../../../src/ports/metrics.ts";

const PAGE = new URL("../../../docs/metrics.md", import.meta.url);
const BEGIN = "<!-- metrics -->\n";
const END = "<!-- /metrics -->";
const MANY = 10;

describe("the page of metrics", () => {
  it("should list what is measured, with all labels, and nothing else", async () => {
    const page = readFileSync(PAGE, "utf8");
    const shown = page.slice(page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END));
    expect(shown.trim()).to.equal((await tableOf()).trim());
  });

  it("should name metrics by part, what and unit, and counters by total or unit", () => {
    for (const [name, { kind, help }] of Object.entries(METRICS)) {
      expect(name).to.match(/^sprf_(daemon|chain|worker|tester|channel|indexer|runner)(_[a-z]+)+$/);
      expect(help).to.not.equal("");
      if (kind === "counter") expect(name).to.match(/_(total|ether)$/);
    }
  });

  it("should be what the adapter exposes", async () => {
    const metrics = createPrometheusMetrics({ part: "worker" });
    const text = await metrics.exposition();
    metrics.close();
    const names = [...text.matchAll(/^# TYPE (sprf_\S+) (\w+)$/gm)].map(([, name, kind]) => [name, kind]);
    expect(names).to.deep.equal(Object.entries(METRICS).map(([name, { kind }]) => [name, kind]));
    expect(text).to.match(/^nodejs_eventloop_lag_p99_seconds\{part="worker"\} [\d.e-]+$/m);
    expect(text).to.match(/^process_resident_memory_bytes\{part="worker"\} \d+$/m);
    // The registry of the whole process is not touched.
    expect(register.getMetricsAsArray()).to.deep.equal([]);
  });
});

async function tableOf(): Promise<string> {
  const rows = Object.entries(METRICS).map(([name, definition]) => {
    const labels =
      "labels" in definition ? Object.entries(definition.labels as Record<string, readonly string[] | string>) : [];
    const texts = labels.map(([label, values]) =>
      typeof values === "string"
        ? `\`${label}\`: ${values}`
        : values.length > MANY
          ? `\`${label}\`: \`OK\` or a code of src/errors.ts`
          : `\`${label}\`: ${values.join(", ")}`,
    );
    return `| \`${name}\` | ${definition.kind} | ${definition.help} | ${texts.join("; ")} |`;
  });
  const table = ["| metric | kind | what | labels |", "| --- | --- | --- | --- |", ...rows].join("\n");
  return await format(table, { parser: "markdown" });
}

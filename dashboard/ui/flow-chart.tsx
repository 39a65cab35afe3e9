import type { FlowView } from "../../src/dashboard/views.ts";
import { grouped } from "../format.ts";
import { Chart, type ChartSeries } from "./chart.tsx";

const HEIGHT = 220;
const WEI_PER_GWEI = 1e9;

/** What each block of an agreement moves: settled as lines, what is expected dashed. */
export function FlowChart({ flow }: { readonly flow: readonly FlowView[] }) {
  const last = flow.at(-1);
  if (last === undefined) return <p class="empty">The agreement has no blocks.</p>;
  const series = (
    label: string,
    colour: string,
    of: (span: FlowView) => string,
    isFilled: boolean,
  ): readonly ChartSeries[] => {
    // Charts are for looking: here the digits that a number holds are enough.
    const values = flow.map((span) => Number(of(span)) / WEI_PER_GWEI);
    const at = (isSettled: boolean): (number | null)[] => [
      ...values.map((value, index) => (flow[index]?.isSettled === isSettled ? value : null)),
      last.isSettled === isSettled ? (values.at(-1) ?? null) : null,
    ];
    const firstExpected = flow.findIndex(({ isSettled }) => !isSettled);
    const settled = at(true);
    // The settled line goes on to where the expected one begins.
    if (firstExpected > 0) settled[firstExpected] = values[firstExpected - 1] ?? null;
    return [
      { label, colour, values: settled, isFilled },
      { label: `${label}, expected`, colour, values: at(false), isDashed: true },
    ];
  };
  return (
    <figure class="figure">
      <Chart
        label={`Gwei per block over blocks ${flow[0]?.fromBlock ?? 0} to ${last.toBlock - 1}; the table below has the numbers`}
        height={HEIGHT}
        isStepped
        x={[...flow.map(({ fromBlock }) => fromBlock), last.toBlock]}
        series={[
          ...series("to workers", "--accent", (span) => span.toWorkersWei, true),
          ...series("to testers", "--second", (span) => span.toTestersWei, false),
          ...series("back to the client", "--bad", (span) => span.toClientWei, false),
        ]}
        formatX={grouped}
        formatY={(value) => `${grouped(value)} gwei`}
      />
      <figcaption class="keys">
        <Key colour="accent" label="to workers" />
        <Key colour="second" label="to testers" />
        <Key colour="bad" label="back to the client" />
        <span class="note">dashed: expected</span>
      </figcaption>
    </figure>
  );
}

function Key({ colour, label }: { readonly colour: string; readonly label: string }) {
  return (
    <span class="key">
      <span class={`swatch swatch-${colour}`} aria-hidden="true" />
      {label}
    </span>
  );
}

import { useMemo } from "preact/hooks";

import type { DeploymentView, NodeView, PayerView, UsagePoint } from "../../src/dashboard/node-types.ts";
import { amount, grouped, moment } from "../format.ts";
import { useTopic } from "../live.ts";
import { query, setQuery } from "../router.ts";
import type { PageProps } from "../routes.ts";
import { Chart } from "../ui/chart.tsx";
import { Figures, Loaded, Page, Section } from "../ui/page.tsx";
import { Table, type Column } from "../ui/table.tsx";
import { Tag, type Tone } from "../ui/tag.tsx";
import { Account, Amount } from "../ui/words.tsx";
import { bytesText, spanText } from "../units.ts";
import "../pages.css";

const MIB = 1024 * 1024;
const CHART_HEIGHT = 160;
/** A time of day with some room. */
const LABEL_SPACE = 90;

/** One node of the grid: what runs on it, what that uses and costs, and until when it is paid for. */
export function GridNode({ params: { id = "" } }: PageProps) {
  const state = useTopic("node", id).value;
  return (
    <Loaded title={`Node ${id}`} state={state}>
      {(view) => <NodePage view={view} />}
    </Loaded>
  );
}

function NodePage({ view }: { readonly view: NodeView }) {
  const { nodeId, farmName, status, account, city, country, total, free, deployments, contractCount, payers } = view;
  const metric = METRICS.find(({ key }) => key === query.value.get("chart")) ?? METRICS[0];
  return (
    <Page
      title={`Node ${nodeId}`}
      note={
        <>
          <Tag tone={status === "up" ? "good" : "warn"}>{status}</Tag> of {farmName} in {city}, {country}, run by{" "}
          <Account of={account} />
        </>
      }
    >
      <Figures
        items={[
          { label: "Free cores", value: `${free.cruCores} of ${total.cruCores}` },
          { label: "Free memory", value: bytesText(free.mruBytes), hint: `of ${bytesText(total.mruBytes)}` },
          { label: "Free SSD", value: bytesText(free.sruBytes), hint: `of ${bytesText(total.sruBytes)}` },
          { label: "Free IPs", value: grouped(view.freePublicIps), hint: "of its farm" },
          { label: "Bill so far", value: <Amount wei={view.costWei} />, hint: "of the contracts below" },
          { label: "An hour", value: <Amount wei={view.weiPerHour} />, hint: "what runs now, as reported last" },
        ]}
      />
      <Section title="Who pays">
        <Table
          caption={`Who pays for what runs on node ${nodeId}`}
          columns={payerColumns(view.nowSeconds)}
          rows={payers}
          rowKey={({ twinId }) => String(twinId)}
          empty="Nobody has a contract on this node."
        />
      </Section>
      <Section title="Deployments" actions={deployments.length === 0 ? undefined : <Metrics chosen={metric} />}>
        {deployments.length === 0 && <p class="empty">Nothing was ever deployed on this node.</p>}
        <ul class="deployments">
          {deployments.map((deployment) => (
            <Deployment
              key={deployment.contractId}
              deployment={deployment}
              metric={metric}
              nowSeconds={view.nowSeconds}
            />
          ))}
        </ul>
        {contractCount > deployments.length && (
          <p class="note">
            The newest {deployments.length} of {grouped(contractCount)} contracts.
          </p>
        )}
      </Section>
    </Page>
  );
}

interface Metric {
  readonly key: string;
  readonly label: string;
  readonly value: (point: UsagePoint) => number | undefined;
  readonly text: (value: number) => string;
}

/** In MiB, so that the lines of a chart stand at round numbers of them. */
const mibOf = (bytes: string | undefined): number | undefined =>
  bytes === undefined ? undefined : Number(bytes) / MIB;
const mibText = (mib: number): string => bytesText(Math.round(mib * MIB));

const METRICS: readonly [Metric, ...Metric[]] = [
  { key: "memory", label: "Memory", value: ({ mruBytes }) => mibOf(mruBytes), text: mibText },
  { key: "cores", label: "Cores", value: ({ cruCores }) => cruCores, text: String },
  { key: "disk", label: "SSD", value: ({ sruBytes }) => mibOf(sruBytes), text: mibText },
  { key: "traffic", label: "Traffic", value: ({ nruBytes }) => mibOf(nruBytes), text: mibText },
  {
    key: "cost",
    label: "Cost an hour",
    value: ({ weiPerHour }) => Number(weiPerHour),
    text: (wei) => amount(BigInt(Math.max(0, Math.round(wei))).toString()),
  },
];

/** Which of them the charts show; the choice is in the address. */
function Metrics({ chosen }: { readonly chosen: Metric }) {
  return (
    <fieldset class="metrics">
      <legend class="quiet">What the charts show</legend>
      {METRICS.map(({ key, label }) => (
        <label key={key}>
          <input
            type="radio"
            name="chart"
            checked={key === chosen.key}
            onChange={() => setQuery("chart", key === METRICS[0].key ? "" : key)}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

const STATES: Readonly<Record<DeploymentView["state"], Tone>> = {
  created: "warn",
  deployed: "good",
  "grace-period": "bad",
  deleted: "plain",
};

function Deployment({
  deployment,
  metric,
  nowSeconds,
}: {
  readonly deployment: DeploymentView;
  readonly metric: Metric;
  readonly nowSeconds: number;
}) {
  const { contractId, kind, state, cause, publicIps, limits, userTwinId, usage, costWei, weiPerHour } = deployment;
  const { weiPerMonth, reportedAt, billedUntil, clippedReports } = deployment;
  const isOver = state === "deleted";
  return (
    <li class="step">
      <div class="step-head">
        <h3>Contract {contractId}</h3>
        <Tag tone={STATES[state]}>{cause === undefined ? state : `${state}, ${cause}`}</Tag>
        <span class="note">
          {kind === "rent" ? "rents the whole node" : limitsText(limits)}, of twin {userTwinId}
        </span>
      </div>
      <dl class="facts">
        <div>
          <dt>Public IPs</dt>
          <dd>{publicIps.length === 0 ? "none" : <span class="mono">{publicIps.join(", ")}</span>}</dd>
        </div>
        <div>
          <dt>Bill so far</dt>
          <dd>
            <Amount wei={costWei} />
            {!isOver && (
              <>
                , now <Amount wei={weiPerHour} /> an hour, <Amount wei={weiPerMonth} /> in 30 days
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Reported</dt>
          <dd>
            {reportedAt === undefined ? "not yet" : moment(reportedAt)}
            {!isOver &&
              billedUntil !== undefined &&
              `; without another report the bill stops at ${moment(billedUntil)}`}
            {clippedReports > 0 && `; ${clippedReports} said more than may be billed`}
          </dd>
        </div>
      </dl>
      <Usage contractId={contractId} usage={usage} metric={metric} until={isOver ? undefined : nowSeconds} />
    </li>
  );
}

function Usage({
  contractId,
  usage,
  metric: { label, value, text },
  until,
}: {
  readonly contractId: number;
  readonly usage: readonly UsagePoint[];
  readonly metric: Metric;
  /** What was said last still holds then. */
  readonly until: number | undefined;
}) {
  const values = useMemo(() => usage.map((point) => value(point) ?? null), [usage, value]);
  const last = values.findLast((each) => each !== null);
  if (usage.length === 0 || last === undefined || last === null) {
    return (
      <p class="note">
        {usage.length === 0 ? "Its node has not reported what it uses yet." : "The chain does not say."}
      </p>
    );
  }
  const holds = until !== undefined && until > (usage.at(-1)?.atSeconds ?? 0);
  const x = [...usage.map(({ atSeconds }) => atSeconds), ...(holds ? [until] : [])];
  const top = roundedUp(Math.max(...values.map((each) => each ?? 0)));
  return (
    <Chart
      // Another unit or size is another axis.
      key={`${label}${top}`}
      label={`${label} of contract ${contractId} over ${usage.length} reports, ${text(last)} in the last one`}
      height={CHART_HEIGHT}
      isStepped
      x={x}
      series={[{ label, colour: "--accent", isFilled: true, values: holds ? [...values, last] : values }]}
      range={[0, top]}
      spaceX={LABEL_SPACE}
      formatX={(seconds) => moment(seconds).slice(11)}
      formatY={text}
    />
  );
}

/** The next number above it that is one, two or five of a power of ten. */
function roundedUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5].find((step) => step * power >= value) ?? 10);
}

function limitsText({ cruCores, mruBytes, sruBytes }: DeploymentView["limits"]): string {
  const disk = sruBytes === "0" ? "" : `, ${bytesText(sruBytes)} SSD`;
  return `at most ${cruCores} ${cruCores === 1 ? "core" : "cores"}, ${bytesText(mruBytes)}${disk}`;
}

function payerColumns(nowSeconds: number): readonly Column<PayerView>[] {
  return [
    { key: "twin", label: "Twin", isNumber: true, cell: ({ twinId }) => twinId },
    {
      key: "account",
      label: "Account",
      cell: ({ account }) => (account === undefined ? "" : <Account of={account} />),
    },
    { key: "balance", label: "Balance", isNumber: true, cell: ({ balanceWei }) => <Amount wei={balanceWei} /> },
    { key: "hourly", label: "An hour", isNumber: true, cell: ({ weiPerHour }) => <Amount wei={weiPerHour} /> },
    {
      key: "discount",
      label: "Discount",
      isNumber: true,
      isMinor: true,
      cell: ({ discountPercent }) => `${discountPercent} %`,
    },
    { key: "ends", label: "Money ends", cell: (payer) => endsText(payer, nowSeconds) },
  ];
}

function endsText({ fundedUntil, graceUntil, recoveryCostWei }: PayerView, nowSeconds: number): string {
  if (graceUntil !== undefined) {
    return `used up; data is kept until ${moment(graceUntil)}, and ${amount(recoveryCostWei ?? "0")} bring it back`;
  }
  if (fundedUntil === undefined) return "never: nothing uses it up";
  return `${moment(fundedUntil)}, in ${spanText(Math.max(0, fundedUntil - nowSeconds))}`;
}

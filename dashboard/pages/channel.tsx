import type { ComponentChildren } from "preact";

import type {
  ChannelMemberView,
  ChannelNodeView,
  ChannelRecordView,
  ChannelView,
  DelayView,
  HeightsView,
  SettlementView,
} from "../../src/dashboard/channel-types.ts";
import { grouped, moment, short } from "../format.ts";
import { useTopic } from "../live.ts";
import type { PageProps } from "../routes.ts";
import { DelayGraph } from "../ui/delay-graph.tsx";
import { Figures, Loaded, Page, Section } from "../ui/page.tsx";
import { Table, type Column } from "../ui/table.tsx";
import { Tag, type Tone } from "../ui/tag.tsx";
import { Account, Amount } from "../ui/words.tsx";
import "../pages.css";

const MS = 1_000;
const BAR = 100;

/** One channel as it plays: how far its records are, who is there, and what is settled. */
export function Channel({ params: { id = "" } }: PageProps) {
  const state = useTopic("channel", id).value;
  return (
    <Loaded title={`Channel ${id}`} state={state}>
      {(view) => <ChannelPage view={view} />}
    </Loaded>
  );
}

function ChannelPage({ view }: { readonly view: ChannelView }) {
  const { channel, state, app, appName, heights, term, leader, members, nodes, delays, records, inbox } = view;
  return (
    <Page
      title={`Channel ${channel}`}
      note={
        <>
          <Tag tone={state === "open" ? "good" : state === "closing" ? "warn" : "plain"}>{state}</Tag>{" "}
          {appName ?? "an app"} at{" "}
          <span class="mono" title={app}>
            {short(app)}
          </span>
          , settles {view.mode === "root" ? "roots" : "slots"}
          {view.tickMs === 0 ? "" : `, a tick every ${view.tickMs} ms`}
        </>
      }
    >
      <Figures
        items={[
          { label: "Sent", value: grouped(heights.sent), hint: "records that the leader signed" },
          { label: "Acknowledged", value: grouped(heights.acknowledged), hint: "records that a quorum holds" },
          { label: "Settled", value: grouped(heights.settled), hint: "records that are final on the chain" },
          { label: "Term", value: grouped(term) },
          { label: "Leader", value: leader === undefined ? "nobody" : <Account of={leader} /> },
          { label: "Inbox", value: `${inbox.settled} of ${inbox.length}`, hint: "entries of the chain that are final" },
        ]}
      />
      <Section title="Heights">
        <Heights heights={heights} />
      </Section>
      <Section title="Delays">
        {delays.length === 0 ? (
          <p class="empty">{nodes.length === 0 ? NO_NODES : "No node has measured any yet."}</p>
        ) : (
          <>
            <DelayGraph members={members} delays={delays} />
            <details>
              <summary>As a table</summary>
              <Table
                caption="Delays between members, one way"
                columns={DELAYS}
                rows={delays}
                rowKey={({ from, to }) => `${from}${to}`}
                empty=""
              />
            </details>
          </>
        )}
      </Section>
      <Section title="Members">
        <Table
          caption={`Members of channel ${channel}`}
          columns={MEMBERS}
          rows={members}
          rowKey={({ account }) => account}
          empty="Nobody is a member."
        />
      </Section>
      <Section title="Records">
        <Table
          caption="The newest records"
          columns={RECORDS}
          rows={records}
          rowKey={({ height }) => String(height)}
          empty={noRecords(view)}
        />
      </Section>
      <Section title="Settlement">
        <Settlements view={view} />
      </Section>
      <Section title="Nodes">
        <Table caption="Nodes that are asked" columns={NODES} rows={nodes} rowKey={({ url }) => url} empty={NO_NODES} />
      </Section>
    </Page>
  );
}

const NO_NODES = "No node is asked: name members' nodes with --channel-node. What is shown is what the chain has.";

function noRecords({ isPrivate, nodes }: ChannelView): string {
  if (isPrivate) return "Records are shown to members alone; --account reads as one.";
  return nodes.length === 0 ? NO_NODES : "No record is known yet.";
}

/** How far each height is of the newest. */
function Heights({ heights }: { readonly heights: HeightsView }) {
  const bars = [
    ["Sent", heights.sent, "--line"],
    ["Acknowledged", heights.acknowledged, "--second"],
    ["Settled", heights.settled, "--accent"],
  ] as const;
  const most = Math.max(1, heights.sent);
  return (
    <div class="heights">
      {bars.map(([label, height, colour]) => (
        <div key={label}>
          <span>{label}</span>
          <svg viewBox={`0 0 ${BAR} 8`} preserveAspectRatio="none" aria-hidden="true">
            <rect width={BAR} height="8" fill="var(--raised)" />
            <rect
              width={(height / most) * BAR}
              height="8"
              fill={colour === "--line" ? "var(--muted)" : `var(${colour})`}
            />
          </svg>
          <span class="number">{grouped(height)}</span>
        </div>
      ))}
    </div>
  );
}

function Settlements({ view: { settlements, settledHeights, isLocked } }: { readonly view: ChannelView }) {
  return (
    <>
      <p class="note">
        {settledHeights.length === 0
          ? "Nothing was settled lately."
          : `Settled lately: ${settledHeights.map((height) => `height ${grouped(height)}`).join(", ")}.`}
        {isLocked ? " Changes are being brought to the chain in parts." : ""}
      </p>
      {settlements.length > 0 && (
        <Table
          caption="What was proposed to the chain"
          columns={SETTLEMENTS}
          rows={settlements}
          rowKey={({ proposal }) => proposal}
          empty=""
        />
      )}
    </>
  );
}

const time = (ms: number): ComponentChildren => <time class="number">{moment(Math.floor(ms / MS))}</time>;

const MEMBERS: readonly Column<ChannelMemberView>[] = [
  { key: "number", label: "No", isNumber: true, cell: ({ joinNumber }) => joinNumber },
  {
    key: "account",
    label: "Account",
    cell: ({ account, leads }) => (
      <>
        <Account of={account} /> {leads && <Tag tone="good">leads</Tag>}
      </>
    ),
  },
  {
    key: "state",
    label: "State",
    cell: ({ state }) => <Tag tone={state === "member" ? "good" : state === "absent" ? "bad" : "warn"}>{state}</Tag>,
  },
  {
    key: "speaks",
    label: "Speaks for",
    cell: ({ weight, delegatedTo }) => {
      if (delegatedTo !== undefined) return <>spoken for by {short(delegatedTo)}</>;
      return weight <= 1 ? "itself" : `itself and ${weight - 1}`;
    },
  },
  {
    key: "height",
    label: "Height",
    isNumber: true,
    cell: ({ height }) => (height === undefined ? "" : grouped(height)),
  },
  {
    key: "seen",
    label: "Heard last",
    isMinor: true,
    cell: ({ seenAtMs }) => (seenAtMs === undefined ? "not yet" : time(seenAtMs)),
  },
  { key: "stake", label: "Stake", isNumber: true, isMinor: true, cell: ({ stakeWei }) => <Amount wei={stakeWei} /> },
];

const COMMITMENTS: Readonly<Record<ChannelRecordView["commitment"], { readonly word: string; readonly tone: Tone }>> = {
  "leader-signed": { word: "sent", tone: "plain" },
  committed: { word: "acknowledged", tone: "warn" },
  final: { word: "settled", tone: "good" },
};

const RECORDS: readonly Column<ChannelRecordView>[] = [
  {
    key: "height",
    label: "Height",
    isNumber: true,
    cell: ({ height, recordHash }) => <span title={recordHash}>{grouped(height)}</span>,
  },
  { key: "kind", label: "What", cell: ({ kind, status }) => (status === "success" ? kind : `${kind}, ${status}`) },
  {
    key: "sender",
    label: "Of",
    cell: ({ sender }) => (sender === undefined ? "the channel" : <Account of={sender} />),
  },
  {
    key: "commitment",
    label: "Is",
    cell: ({ commitment }) => <Tag tone={COMMITMENTS[commitment].tone}>{COMMITMENTS[commitment].word}</Tag>,
  },
  { key: "slots", label: "Slots", isNumber: true, isMinor: true, cell: ({ slotsChanged }) => grouped(slotsChanged) },
  { key: "gas", label: "Gas", isNumber: true, isMinor: true, cell: ({ gasUsed }) => grouped(Number(gasUsed)) },
  { key: "time", label: "Time", isMinor: true, cell: ({ timeMs }) => time(timeMs) },
];

const DELAYS: readonly Column<DelayView>[] = [
  { key: "from", label: "From", cell: ({ from }) => short(from) },
  { key: "to", label: "To", cell: ({ to }) => short(to) },
  { key: "ms", label: "ms", isNumber: true, cell: ({ ms }) => ms },
];

const SETTLEMENTS: readonly Column<SettlementView>[] = [
  { key: "proposal", label: "No", isNumber: true, cell: ({ proposal }) => proposal },
  {
    key: "what",
    label: "What",
    cell: ({ type, height }) => (height === undefined ? type : `${type} of height ${grouped(height)}`),
  },
  {
    key: "state",
    label: "State",
    cell: ({ state }) => <Tag tone={state === "final" ? "good" : state === "rejected" ? "bad" : "warn"}>{state}</Tag>,
  },
  {
    key: "votes",
    label: "Votes",
    cell: ({ weightFor, weightAgainst, weightCounted }) =>
      `${weightFor} for, ${weightAgainst} against, of ${weightCounted}`,
  },
  {
    key: "window",
    label: "Window ends",
    isMinor: true,
    cell: ({ finalAtMs }) => (finalAtMs === undefined ? "" : time(finalAtMs)),
  },
  { key: "proposer", label: "By", isMinor: true, cell: ({ proposer }) => short(proposer) },
];

const NODES: readonly Column<ChannelNodeView>[] = [
  { key: "url", label: "Address", cell: ({ url }) => <span class="mono">{url}</span> },
  {
    key: "account",
    label: "Of",
    isMinor: true,
    cell: ({ account }) => (account === undefined ? "" : <Account of={account} />),
  },
  {
    key: "state",
    label: "State",
    cell: ({ problem }) =>
      problem === undefined ? (
        <Tag tone="good">answers</Tag>
      ) : (
        <span title={problem.message}>
          <Tag tone="bad">away</Tag> <code>{problem.code}</code>
        </span>
      ),
  },
  {
    key: "sent",
    label: "Sent",
    isNumber: true,
    cell: ({ heights }) => (heights === undefined ? "" : grouped(heights.sent)),
  },
  {
    key: "acknowledged",
    label: "Acknowledged",
    isNumber: true,
    cell: ({ heights }) => (heights === undefined ? "" : grouped(heights.acknowledged)),
  },
  {
    key: "delay",
    label: "From the leader",
    isNumber: true,
    isMinor: true,
    cell: ({ delayMs }) => (delayMs === undefined ? "" : `${delayMs} ms`),
  },
];

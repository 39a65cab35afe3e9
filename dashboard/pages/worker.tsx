import { useState } from "preact/hooks";

import type { HistoryEntryView, WorkerView } from "../../src/dashboard/views.ts";
import { grouped, inUnit, percent } from "../format.ts";
import { useTopic } from "../live.ts";
import type { PageProps } from "../routes.ts";
import { AgreementsTable } from "../ui/agreements-table.tsx";
import { BuyDialog } from "../ui/buy-dialog.tsx";
import { Chart } from "../ui/chart.tsx";
import { EVENT_COLUMNS } from "../ui/event-columns.tsx";
import { Figures, Loaded, Page, Section } from "../ui/page.tsx";
import { Table, type Column } from "../ui/table.tsx";
import { Account, Amount, Badge } from "../ui/words.tsx";

const CHART_HEIGHT = 200;
const PERCENT = 100;

/** One worker: what it asks, what it did, and how its reputation came about. */
export function Worker({ params: { id = "" } }: PageProps) {
  const state = useTopic("worker", id).value;
  return (
    <Loaded title={`Worker ${id}`} state={state}>
      {(view) => <WorkerPage view={view} />}
    </Loaded>
  );
}

function WorkerPage({ view: { worker, reputation, history, agreements, contracts } }: { readonly view: WorkerView }) {
  const [isBuying, setBuying] = useState(false);
  const block = useTopic("status").value.view?.block;
  const { workerId, operator, status, slots, slotsUsed, epochsOk, epochsUnreachable, epochsWrong } = worker;
  return (
    <Page
      title={`Worker ${workerId}`}
      note={
        <>
          <Badge state={status} /> operated by <Account of={operator} />, twin {worker.twinId}
        </>
      }
      actions={
        <button
          type="button"
          class="button button-main"
          disabled={status !== "active" || slotsUsed >= slots}
          onClick={() => setBuying(true)}
        >
          Buy an agreement
        </button>
      }
    >
      <Figures
        items={[
          { label: "Price per block", value: `${inUnit(worker.pricePerBlockWei, "gwei", 3)} gwei` },
          {
            label: "Reputation",
            value: percent(worker.reputation),
            hint: "share of good epochs, weighed by testers' fees",
          },
          { label: "Uptime", value: percent(worker.uptime) },
          { label: "Stake", value: <Amount wei={worker.stakeWei} />, hint: `${worker.lockedWei} wei of it locked` },
          { label: "Earned", value: <Amount wei={worker.earnedWei} /> },
          { label: "Slashed", value: <Amount wei={worker.slashedWei} /> },
          { label: "Slots in use", value: `${slotsUsed} of ${slots}` },
          {
            label: "Epochs",
            value: `${grouped(epochsOk)} ok`,
            hint: `${epochsUnreachable} unreachable, ${epochsWrong} wrong`,
          },
        ]}
      />
      <Section title="Reputation over time">
        {reputation.length < 2 ? (
          <p class="empty">No agreement of this worker has ended yet: its reputation is where everybody's begins.</p>
        ) : (
          <Chart
            label={`Reputation of ${percent(worker.reputation)} after ${reputation.length - 1} records`}
            height={CHART_HEIGHT}
            isStepped
            x={[...reputation.map((point) => point.block), Math.max(block ?? 0, (reputation.at(-1)?.block ?? 0) + 1)]}
            series={[
              {
                label: "Reputation",
                colour: "--accent",
                isFilled: true,
                values: [...reputation.map((point) => point.reputation / PERCENT), worker.reputation / PERCENT],
              },
            ]}
            range={[0, PERCENT]}
            formatX={grouped}
            formatY={(value) => `${value} %`}
          />
        )}
      </Section>
      <Section title="Agreements">
        <AgreementsTable
          caption={`Agreements of worker ${workerId}`}
          rows={agreements}
          empty="Nobody has bought from this worker yet."
        />
      </Section>
      <Section title="History">
        <Table
          caption={`What happened to worker ${workerId}, newest first`}
          columns={HISTORY}
          rows={history}
          rowKey={({ block: at, kind, agreement, epoch, transaction }) =>
            `${at}${transaction}${kind}${agreement ?? ""}${epoch ?? ""}`
          }
          empty="Nothing yet."
        />
      </Section>
      {isBuying && <BuyDialog worker={worker} contracts={contracts} onClose={() => setBuying(false)} />}
    </Page>
  );
}

const HISTORY: readonly Column<HistoryEntryView>[] = [
  ...EVENT_COLUMNS,
  {
    key: "outcome",
    label: "Outcome",
    cell: ({ outcome, reputation }) => outcome ?? (reputation === undefined ? "" : percent(reputation)),
  },
  {
    key: "amount",
    label: "Amount",
    isNumber: true,
    cell: ({ amountWei }) => (amountWei === undefined ? "" : <Amount wei={amountWei} />),
  },
];

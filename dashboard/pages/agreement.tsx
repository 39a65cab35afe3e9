import type { AgreementView, EpochView, FlowView, PayeeView, SeatView } from "../../src/dashboard/views.ts";
import { phaseOf } from "../../src/dashboard/views.ts";
import { grouped, inUnit } from "../format.ts";
import { useTopic } from "../live.ts";
import type { PageProps } from "../routes.ts";
import { EpochStrip } from "../ui/epoch-strip.tsx";
import { FlowChart } from "../ui/flow-chart.tsx";
import { Figures, Loaded, Page, Section } from "../ui/page.tsx";
import { Table, type Column } from "../ui/table.tsx";
import { Account, Amount, Badge } from "../ui/words.tsx";

/** One agreement: its epochs and verdicts, and where its money goes. */
export function Agreement({ params: { id = "" } }: PageProps) {
  const state = useTopic("agreement", id).value;
  return (
    <Loaded title={`Agreement ${id.length > 12 ? `${id.slice(0, 8)}…` : id}`} state={state}>
      {(view) => <AgreementPage view={view} />}
    </Loaded>
  );
}

function AgreementPage({ view }: { readonly view: AgreementView }) {
  const block = useTopic("status").value.view?.block ?? 0;
  const { number, address, client, seats, epochs, epochCount, settledEpochs, startBlock, endBlock, program } = view;
  const left = Math.max(0, endBlock - 1 - block);
  return (
    <Page
      title={`Agreement #${number}`}
      note={
        <>
          <Badge state={phaseOf(view, block)} /> bought by <Account of={client} />
          {program !== undefined && (
            <>
              {" "}
              for the program{" "}
              <a href={`/programs/${program}`} class="mono" title={program}>{`${program.slice(0, 8)}…`}</a>
            </>
          )}
        </>
      }
    >
      <Figures
        items={[
          { label: "Paid in", value: <Amount wei={view.paidWei} />, hint: address },
          { label: "Not settled yet", value: <Amount wei={view.unsettledWei} /> },
          { label: "Blocks", value: `${grouped(startBlock)}–${grouped(endBlock - 1)}` },
          { label: "Blocks left", value: grouped(left) },
          { label: "Epochs settled", value: `${settledEpochs} of ${epochCount}` },
          { label: "Testers an epoch", value: grouped(view.testerCount) },
        ]}
      />
      <Section title="Money per block">
        <FlowChart flow={view.flow} />
        <details>
          <summary>The same as a table</summary>
          <Table
            caption="Money per block"
            columns={FLOW}
            rows={view.flow}
            rowKey={({ fromBlock }) => fromBlock}
            empty=""
          />
        </details>
      </Section>
      <Section title="Epochs and verdicts">
        <EpochStrip view={view} block={block} />
        <Table
          caption="Epochs with a draw or an outcome"
          columns={epochColumns(seats)}
          rows={[...epochs].reverse()}
          rowKey={({ epoch }) => epoch}
          empty="No testers were drawn yet: that is done in an epoch's first blocks."
        />
      </Section>
      <Section title="Workers">
        <Table
          caption="Workers of the agreement"
          columns={SEATS}
          rows={seats}
          rowKey={({ workerId }) => workerId}
          empty=""
        />
      </Section>
      <Section title="Who was paid">
        <Table
          caption="What the settled epochs credited"
          columns={PAYEES}
          rows={view.payees}
          rowKey={({ account, name }) => `${account}${name}`}
          empty=""
        />
      </Section>
    </Page>
  );
}

const FLOW: readonly Column<FlowView>[] = [
  {
    key: "blocks",
    label: "Blocks",
    isNumber: true,
    cell: (row) => `${grouped(row.fromBlock)}–${grouped(row.toBlock - 1)}`,
  },
  { key: "state", label: "State", cell: ({ isSettled }) => (isSettled ? "settled" : "expected") },
  { key: "workers", label: "To workers", isNumber: true, cell: (row) => <Amount wei={row.toWorkersWei} /> },
  { key: "testers", label: "To testers", isNumber: true, cell: (row) => <Amount wei={row.toTestersWei} /> },
  { key: "client", label: "Back", isNumber: true, cell: (row) => <Amount wei={row.toClientWei} /> },
];

const SEATS: readonly Column<SeatView>[] = [
  {
    key: "worker",
    label: "Worker",
    cell: ({ workerId }) => (
      <a href={`/workers/${workerId}`} class="row-link">
        Worker {workerId}
      </a>
    ),
  },
  { key: "price", label: "gwei per block", isNumber: true, cell: (row) => inUnit(row.pricePerBlockWei, "gwei", 3) },
  { key: "ok", label: "Ok", isNumber: true, cell: ({ epochsOk }) => epochsOk },
  { key: "unreachable", label: "Unreachable", isNumber: true, isMinor: true, cell: (row) => row.epochsUnreachable },
  { key: "wrong", label: "Wrong", isNumber: true, isMinor: true, cell: ({ epochsWrong }) => epochsWrong },
  { key: "paid", label: "Paid", isNumber: true, cell: ({ paidWei }) => <Amount wei={paidWei} /> },
];

const PAYEES: readonly Column<PayeeView>[] = [
  { key: "name", label: "Who", cell: ({ name }) => name },
  { key: "account", label: "Account", cell: ({ account }) => <Account of={account} /> },
  { key: "paid", label: "Credited", isNumber: true, cell: ({ paidWei }) => <Amount wei={paidWei} /> },
];

function epochColumns(seats: readonly SeatView[]): readonly Column<EpochView>[] {
  return [
    { key: "epoch", label: "Epoch", cell: ({ epoch }) => epoch },
    {
      key: "blocks",
      label: "Blocks",
      isNumber: true,
      isMinor: true,
      cell: ({ fromBlock, toBlock }) => `${grouped(fromBlock)}–${grouped(toBlock - 1)}`,
    },
    ...seats.map(({ workerId }, index): Column<EpochView> => ({
      key: `worker-${workerId}`,
      label: `Worker ${workerId}`,
      cell: ({ outcomes }) => <Badge state={outcomes[index] ?? "pending"} />,
    })),
    {
      key: "reports",
      label: "Reports",
      isNumber: true,
      cell: ({ reports, testers, settledBlock }) =>
        settledBlock === undefined ? `of ${testers.length}` : `${reports} of ${testers.length}`,
    },
    {
      key: "settled",
      label: "Settled in block",
      isNumber: true,
      isMinor: true,
      cell: ({ settledBlock }) => (settledBlock === undefined ? "not yet" : grouped(settledBlock)),
    },
  ];
}

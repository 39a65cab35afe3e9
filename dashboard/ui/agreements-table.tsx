import { phaseOf, type AgreementSummary } from "../../src/dashboard/views.ts";
import { grouped } from "../format.ts";
import { useTopic } from "../live.ts";
import { Table, type Column } from "./table.tsx";
import { Account, Amount, Badge } from "./words.tsx";

/** Agreements as a table; each row leads to its page. */
export function AgreementsTable({
  caption,
  rows,
  empty,
  sortName,
}: {
  readonly caption: string;
  readonly rows: readonly AgreementSummary[];
  readonly empty: string;
  readonly sortName?: string;
}) {
  const block = useTopic("status").value.view?.block ?? 0;
  const columns: readonly Column<AgreementSummary>[] = [
    {
      key: "number",
      label: "Agreement",
      by: ({ number }) => number,
      cell: ({ number }) => (
        <a href={`/agreements/${number}`} class="row-link">
          #{number}
        </a>
      ),
    },
    {
      key: "state",
      label: "State",
      by: (row) => phaseOf(row, block),
      cell: (row) => <Badge state={phaseOf(row, block)} />,
    },
    {
      key: "workers",
      label: "Workers",
      isMinor: true,
      cell: ({ workerIds }) => workerIds.join(", "),
    },
    {
      key: "progress",
      label: "Progress",
      isMinor: true,
      by: (row) => progressOf(row, block),
      cell: (row) => <Progress fraction={progressOf(row, block)} />,
    },
    {
      key: "end",
      label: "Blocks",
      isNumber: true,
      isMinor: true,
      by: ({ endBlock }) => endBlock,
      cell: ({ startBlock, endBlock }) => `${grouped(startBlock)}–${grouped(endBlock - 1)}`,
    },
    {
      key: "paid",
      label: "Paid in",
      isNumber: true,
      by: ({ paidWei }) => BigInt(paidWei),
      cell: ({ paidWei }) => <Amount wei={paidWei} />,
    },
    {
      key: "client",
      label: "Client",
      isMinor: true,
      by: ({ client }) => client,
      cell: ({ client }) => <Account of={client} />,
    },
  ];
  return (
    <Table
      caption={caption}
      columns={columns}
      rows={rows}
      rowKey={({ number }) => number}
      empty={empty}
      {...(sortName === undefined ? {} : { sortName })}
    />
  );
}

function progressOf({ startBlock, endBlock, finalized }: AgreementSummary, block: number): number {
  if (finalized) return 1;
  return Math.min(1, Math.max(0, (block - startBlock + 1) / (endBlock - startBlock)));
}

function Progress({ fraction }: { readonly fraction: number }) {
  const share = Math.round(fraction * 100);
  return (
    <span class="progress">
      <svg viewBox="0 0 64 6" width="64" height="6" aria-hidden="true">
        <rect width="64" height="6" rx="3" class="progress-all" />
        <rect width={(64 * fraction).toFixed(1)} height="6" rx="3" class="progress-done" />
      </svg>
      <span class="number">{share} %</span>
    </span>
  );
}

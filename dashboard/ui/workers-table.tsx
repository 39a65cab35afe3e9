import type { WorkerSummary } from "../../src/dashboard/views.ts";
import { grouped, inUnit, percent } from "../format.ts";
import { Sparkline } from "./sparkline.tsx";
import { Table, type Column } from "./table.tsx";
import { Amount, Badge } from "./words.tsx";

const WHOLE = 10_000;

/** Workers as a table; each row leads to its page, and to a purchase. */
export function WorkersTable({
  rows,
  empty,
  onBuy,
}: {
  readonly rows: readonly WorkerSummary[];
  readonly empty: string;
  readonly onBuy: (worker: WorkerSummary) => void;
}) {
  const columns: readonly Column<WorkerSummary>[] = [
    {
      key: "worker",
      label: "Worker",
      by: ({ workerId }) => workerId,
      cell: ({ workerId }) => (
        <a href={`/workers/${workerId}`} class="row-link">
          Worker {workerId}
        </a>
      ),
    },
    {
      key: "status",
      label: "Status",
      isMinor: true,
      by: ({ status }) => status,
      cell: ({ status }) => <Badge state={status} />,
    },
    {
      key: "price",
      label: "gwei per block",
      isNumber: true,
      by: ({ pricePerBlockWei }) => BigInt(pricePerBlockWei),
      cell: ({ pricePerBlockWei }) => (
        <span title={`${pricePerBlockWei} wei`}>{inUnit(pricePerBlockWei, "gwei", 3)}</span>
      ),
    },
    {
      key: "reputation",
      label: "Reputation",
      isNumber: true,
      by: ({ reputation }) => reputation,
      cell: ({ reputation, trend }) => (
        <span class="trend">
          <Sparkline values={[WHOLE / 2, ...trend]} min={0} max={WHOLE} />
          {percent(reputation)}
        </span>
      ),
    },
    {
      key: "uptime",
      label: "Uptime",
      isNumber: true,
      isMinor: true,
      by: ({ uptime }) => uptime,
      cell: ({ uptime }) => percent(uptime),
    },
    {
      key: "stake",
      label: "Stake",
      isNumber: true,
      isMinor: true,
      by: ({ stakeWei }) => BigInt(stakeWei),
      cell: ({ stakeWei }) => <Amount wei={stakeWei} />,
    },
    {
      key: "slots",
      label: "Slots",
      isNumber: true,
      isMinor: true,
      by: ({ slots, slotsUsed }) => slots - slotsUsed,
      cell: ({ slots, slotsUsed }) => `${slotsUsed} of ${slots}`,
    },
    {
      key: "done",
      label: "Completed",
      isNumber: true,
      isMinor: true,
      by: ({ agreementsCompleted }) => agreementsCompleted,
      cell: ({ agreementsCompleted }) => grouped(agreementsCompleted),
    },
    {
      key: "buy",
      label: "Buy",
      cell: (worker) => (
        <button
          type="button"
          class="button above"
          disabled={worker.status !== "active" || worker.slotsUsed >= worker.slots}
          onClick={() => onBuy(worker)}
          aria-label={`Buy from worker ${worker.workerId}`}
        >
          Buy
        </button>
      ),
    },
  ];
  return (
    <Table
      caption="Workers of the market"
      columns={columns}
      rows={rows}
      rowKey={({ workerId }) => workerId}
      empty={empty}
      sortName="sort"
    />
  );
}

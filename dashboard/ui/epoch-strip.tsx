import type { AgreementView, OutcomeView } from "../../src/dashboard/views.ts";

const WIDTH = 1_000;
const ROW = 16;
const GAP = 4;

/** One line a worker, one cell an epoch, by verdict; where the chain is now. The table below says the same in words. */
export function EpochStrip({ view, block }: { readonly view: AgreementView; readonly block: number }) {
  const { seats, epochs, startBlock, endBlock, epochLength, epochCount } = view;
  const scale = WIDTH / (endBlock - startBlock);
  const byNumber = new Map(epochs.map((epoch) => [epoch.epoch, epoch]));
  const height = seats.length * (ROW + GAP) - GAP;
  const now = Math.min(WIDTH, Math.max(0, (block - startBlock + 1) * scale));
  return (
    <svg class="strip" viewBox={`0 0 ${WIDTH} ${height}`} preserveAspectRatio="none" height={height} aria-hidden="true">
      {seats.map(({ workerId, resignedFrom }, index) =>
        Array.from({ length: epochCount }, (_, epoch) => {
          const from = epoch * epochLength;
          const to = Math.min(from + epochLength, endBlock - startBlock);
          const outcome: OutcomeView =
            byNumber.get(epoch)?.outcomes[index] ?? ((resignedFrom ?? Infinity) <= epoch ? "resigned" : "pending");
          return (
            <rect
              key={`${workerId}-${epoch}`}
              class={`cell cell-${outcome}`}
              x={from * scale + 1}
              y={index * (ROW + GAP)}
              width={Math.max(1, (to - from) * scale - 2)}
              height={ROW}
            />
          );
        }),
      )}
      <rect class="strip-now" x={Math.max(0, now - 1)} y={0} width={2} height={height} />
    </svg>
  );
}

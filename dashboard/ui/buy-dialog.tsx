import { useEffect, useRef, useState } from "preact/hooks";

import type { ContractsView, WorkerSummary } from "../../src/dashboard/views.ts";
import { amount, inUnit } from "../format.ts";
import { navigate } from "../router.ts";
import { account, signIn, signInProblem } from "../wallet.ts";

const DEFAULT_BLOCKS = 60;

type Step =
  | { readonly kind: "asking" | "buying" }
  | { readonly kind: "offer"; readonly priceWei: bigint }
  | { readonly kind: "failed"; readonly words: string };

/** Buys an agreement with one worker: how long, what it costs as the market says, and the wallet's signature. */
export function BuyDialog({
  worker,
  contracts,
  onClose,
}: {
  readonly worker: WorkerSummary;
  readonly contracts: ContractsView;
  readonly onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [blocks, setBlocks] = useState(Math.min(DEFAULT_BLOCKS, worker.maxLengthBlocks));
  const [step, setStep] = useState<Step>({ kind: "asking" });
  const { workerId, pricePerBlockWei, maxLengthBlocks } = worker;
  const isValid = Number.isInteger(blocks) && blocks >= 1 && blocks <= maxLengthBlocks;
  const user = account.value;

  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    if (user === undefined || !isValid) return undefined;
    let isOld = false;
    setStep({ kind: "asking" });
    const ask = async (): Promise<void> => {
      const { quote } = await import("../transactions.ts");
      const priceWei = await quote(contracts, workerId, blocks);
      if (!isOld) setStep({ kind: "offer", priceWei });
    };
    ask().catch((error: unknown) => {
      if (!isOld) setStep({ kind: "failed", words: wordsIn(error) });
    });
    return () => {
      isOld = true;
    };
  }, [user, blocks, workerId]);

  const pay = async (priceWei: bigint): Promise<void> => {
    setStep({ kind: "buying" });
    try {
      const { buy } = await import("../transactions.ts");
      const agreement = await buy(contracts, workerId, blocks, priceWei);
      onClose();
      navigate(`/agreements/${agreement}`);
    } catch (error) {
      setStep({ kind: "failed", words: wordsIn(error) });
    }
  };

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="buy-title">
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          if (user === undefined) void signIn();
          else if (step.kind === "offer") void pay(step.priceWei);
        }}
      >
        <h2 id="buy-title">Buy from worker {workerId}</h2>
        <p class="note">
          {inUnit(pricePerBlockWei, "gwei", 3)} gwei per block, held by the agreement and paid out epoch by epoch as
          testers find the work done.
        </p>
        <label>
          Blocks of work, at most {maxLengthBlocks}
          <input
            type="number"
            min={1}
            max={maxLengthBlocks}
            required
            value={blocks}
            onInput={({ currentTarget }) => setBlocks(currentTarget.valueAsNumber)}
          />
        </label>
        <p role="status" class={step.kind === "failed" ? "failure" : "note"}>
          {statusOf(user, isValid, step)}
        </p>
        <div class="dialog-actions">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button
            type="submit"
            class="button button-main"
            disabled={!isValid || (user !== undefined && step.kind !== "offer")}
          >
            {user === undefined
              ? "Connect wallet"
              : step.kind === "offer"
                ? `Buy for ${amount(String(step.priceWei))}`
                : "Buy"}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function statusOf(user: string | undefined, isValid: boolean, step: Step): string {
  if (user === undefined)
    return signInProblem.value ?? "The price, with tester fees, is asked for once a wallet is connected.";
  if (!isValid) return "Choose a whole number of blocks within the limit.";
  switch (step.kind) {
    case "asking":
      return "Asking the market for the price.";
    case "offer":
      return "The price includes the testers' fees. What is not earned comes back.";
    case "buying":
      return "Confirm in the wallet; then a block has to take it.";
    case "failed":
      return step.words;
  }
}

function wordsIn(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { short } from "../format.ts";
import { account, signIn, signInProblem, signOut } from "../wallet.ts";

/** Signs in with the browser's wallet, or shows who has. */
export function WalletButton() {
  const current = account.value;
  if (current === undefined) {
    return (
      <>
        <button type="button" class="button" onClick={() => void signIn()}>
          Connect<span class="wide"> wallet</span>
        </button>
        {signInProblem.value !== undefined && (
          <div class="toast" role="alert">
            {signInProblem.value}
            <button
              type="button"
              class="button quiet-button"
              onClick={() => {
                signInProblem.value = undefined;
              }}
              aria-label="Close"
            >
              ×
            </button>
          </div>
        )}
      </>
    );
  }
  return (
    <span class="wallet">
      <a href={`/payments/${current}`} title={current} class="mono">
        {short(current)}
      </a>
      <button type="button" class="button quiet-button" onClick={signOut} aria-label="Disconnect the wallet">
        ×
      </button>
    </span>
  );
}

import { signal, type Signal } from "@preact/signals";

/** What a browser's wallet offers (EIP-1193), as far as the app asks for it. */
export interface EthereumProvider {
  request(call: { readonly method: string; readonly params?: readonly unknown[] }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): void;
}

/** The account that signed in; undefined when nobody has. It is asked for nothing until an action needs a signature. */
export const account: Signal<string | undefined> = signal<string | undefined>(undefined);

/** Why the last attempt to sign in failed. */
export const signInProblem: Signal<string | undefined> = signal<string | undefined>(undefined);

/** The browser's wallet, if it has one. */
export function ethereum(): EthereumProvider | undefined {
  const found = (window as { readonly ethereum?: unknown }).ethereum;
  return isProvider(found) ? found : undefined;
}

/** Asks the wallet for an account. */
export async function signIn(): Promise<void> {
  const wallet = ethereum();
  signInProblem.value = undefined;
  if (wallet === undefined) {
    signInProblem.value = "This browser has no wallet. Install one that speaks EIP-1193, or use the sprf command.";
    return;
  }
  try {
    account.value = firstOf(await wallet.request({ method: "eth_requestAccounts" }));
    listen(wallet);
  } catch (error) {
    signInProblem.value = wordsOf(error);
  }
}

/** Forgets the account; the wallet itself is left as it is. */
export function signOut(): void {
  account.value = undefined;
}

/** What a wallet or contract says of a failure, in a line. */
export function wordsOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { code, shortMessage, message } = error as Readonly<Record<string, unknown>>;
  const USER_REJECTED = 4001;
  if (code === USER_REJECTED || code === "ACTION_REJECTED") return "Declined in the wallet.";
  const words = [shortMessage, message].find((each) => typeof each === "string");
  return (words ?? "the wallet failed").slice(0, MAX_WORDS);
}

const MAX_WORDS = 200;

let isListening = false;

function listen(wallet: EthereumProvider): void {
  if (isListening) return;
  isListening = true;
  wallet.on?.("accountsChanged", (accounts) => {
    account.value = firstOf(accounts);
  });
}

function firstOf(accounts: unknown): string | undefined {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  return typeof first === "string" ? first : undefined;
}

function isProvider(value: unknown): value is EthereumProvider {
  return typeof value === "object" && value !== null && "request" in value && typeof value.request === "function";
}

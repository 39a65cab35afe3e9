import { Networks } from "@stellar/stellar-sdk";

const NAMES: ReadonlyMap<string, string> = new Map([
  [Networks.PUBLIC, "public"],
  [Networks.TESTNET, "testnet"],
]);

/** Where a public network's transactions and accounts can be looked at by everybody; undefined for any other network. */
export function explorerUrl(networkPassphrase: string, what: "tx" | "account", id: string): string | undefined {
  const name = NAMES.get(networkPassphrase);
  return name === undefined ? undefined : `https://stellar.expert/explorer/${name}/${what}/${id}`;
}

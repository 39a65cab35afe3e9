import type { StateManagerInterface } from "@ethereumjs/common";
import { createAccount, type Account, type Address } from "@ethereumjs/util";

import { SprfError } from "../../errors.ts";
import { keccak256 } from "../../utils/keccak.ts";
import { toSlotKey } from "./slot-key.ts";
import type { SlotStore } from "./slot-store.ts";

/** What the EVM takes for an empty slot; it looks at the length. */
const EMPTY = new Uint8Array(0);

/**
 * The world as the EVM sees it: one account with a program's code and slots, and nobody else. Balances and nonces of accounts do
 * not exist; what the EVM writes of them is dropped.
 */
export class ProgramState implements StateManagerInterface {
  readonly originalStorageCache: StateManagerInterface["originalStorageCache"];
  readonly #store: SlotStore;
  readonly #address: Address;
  readonly #code: Uint8Array;
  readonly #account: Account;

  constructor(store: SlotStore, program: { readonly address: Address; readonly code: Uint8Array }) {
    this.#store = store;
    this.#address = program.address;
    this.#code = program.code;
    this.#account = createAccount({ nonce: 1n, codeHash: keccak256(program.code) });
    this.originalStorageCache = {
      get: async (_address, key) => store.original(toSlotKey(key)) ?? EMPTY,
      clear: () => store.finish(),
    };
  }

  async getAccount(address: Address): Promise<Account | undefined> {
    return this.#isProgram(address) ? this.#account : undefined;
  }

  async putAccount(): Promise<void> {}

  async deleteAccount(): Promise<void> {}

  async modifyAccountFields(): Promise<void> {}

  async putCode(): Promise<void> {}

  async getCode(address: Address): Promise<Uint8Array> {
    return this.#isProgram(address) ? this.#code : EMPTY;
  }

  async getCodeSize(address: Address): Promise<number> {
    return this.#isProgram(address) ? this.#code.length : 0;
  }

  async getStorage(address: Address, key: Uint8Array): Promise<Uint8Array> {
    return this.#isProgram(address) ? (this.#store.get(toSlotKey(key)) ?? EMPTY) : EMPTY;
  }

  async putStorage(address: Address, key: Uint8Array, value: Uint8Array): Promise<void> {
    if (this.#isProgram(address)) this.#store.set(toSlotKey(key), value);
  }

  async clearStorage(): Promise<void> {}

  async checkpoint(): Promise<void> {
    this.#store.checkpoint();
  }

  async commit(): Promise<void> {
    this.#store.commit();
  }

  async revert(): Promise<void> {
    this.#store.revert();
  }

  async getStateRoot(): Promise<Uint8Array> {
    throw unused();
  }

  async setStateRoot(): Promise<void> {
    throw unused();
  }

  async hasStateRoot(): Promise<boolean> {
    return false;
  }

  clearCaches(): void {}

  shallowCopy(): StateManagerInterface {
    throw unused();
  }

  #isProgram(address: Address): boolean {
    return address === this.#address || address.equals(this.#address);
  }
}

function unused(): SprfError {
  return new SprfError("INTERNAL", "the EVM asked a program's state for something that only a chain has");
}

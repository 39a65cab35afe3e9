import type { Random } from "../ports/random.ts";
import type { SendComponents } from "./resend.ts";

/** Who speaks about which grid, and with what. */
export interface GridMessaging extends SendComponents {
  /** Message key of the twin: 64 and 32 bytes. */
  readonly identity: { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array };
  readonly chainId: bigint;
  /** Address of GridContracts: 20 bytes. */
  readonly grid: Uint8Array;
  readonly random: Random;
}

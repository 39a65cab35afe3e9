import { decryptAsymmetric, encryptAsymmetric, postCipher, preCipher } from "@waku/message-encryption/ecies";

import { SprfError } from "../../errors.ts";
import type { Cipher } from "../../ports/cipher.ts";
import { PUBLIC_KEY_BYTES, isPublicKey, publicKeyOf, uncompressed } from "../../utils/secp256k1.ts";

/** Sizes are padded to multiples of this, so that they tell little. */
export const CIPHER_PADDING_BYTES = 256;
/** An ephemeral key, an initialisation vector and a code that authenticates. */
export const CIPHER_OVERHEAD_BYTES = 65 + 16 + 32;

/** ECIES over secp256k1 as 26/WAKU2-PAYLOAD has it: the library and the format of the messenger, without a message around it. */
export function createEciesCipher({ messageKey }: { readonly messageKey: Uint8Array }): Cipher {
  return {
    publicKey: publicKeyOf(messageKey),
    async sealTo(recipient, payload) {
      if (!isPublicKey(recipient)) throw new SprfError("INVALID_INPUT", "the recipient is no secp256k1 key");
      return await encryptAsymmetric(await preCipher(payload, messageKey), uncompressed(recipient));
    },
    async open(sealed) {
      try {
        const opened = postCipher(await decryptAsymmetric(sealed, messageKey));
        const signer = opened?.sig?.publicKey?.slice(1);
        if (opened === undefined || signer?.length !== PUBLIC_KEY_BYTES) return undefined;
        return { payload: new Uint8Array(opened.payload), signer: new Uint8Array(signer) };
      } catch {
        // The library throws on whatever is no ciphertext of ours.
        return undefined;
      }
    },
  };
}

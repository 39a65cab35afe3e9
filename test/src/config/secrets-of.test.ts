import { expect } from "chai";
import fc from "fast-check";

import { createPinoLogger } from "../../../src/adapters/logger/pino.ts";
import { secretsOf } from "../../../src/config/secrets-of.ts";
import { settingsSchema, type Settings } from "../../../src/config/schema.ts";

const ADDRESS = `0x${"0".repeat(40)}`;
/** As a provider's key looks. */
const key = fc.stringMatching(/^[A-Za-z0-9_-]{16,40}$/);
const password = fc.string({ minLength: 8, maxLength: 24 }).filter((text) => /^[\x21-\x7e]+$/.test(text));
const words = fc.array(fc.stringMatching(/^[a-z]{3,8}$/), { minLength: 12, maxLength: 12 }).map((all) => all.join(" "));

describe("secretsOf", () => {
  it("should keep what settings hold of secrets out of every line of the log, wherever it comes in", () => {
    fc.assert(
      fc.property(words, key, key, password, password, (mnemonic, pathKey, queryKey, secret, databaseSecret) => {
        const chainUrl = `https://user:${encodeURIComponent(secret)}@chain.example/v3/${pathKey}`;
        const database = `postgres://user:${encodeURIComponent(databaseSecret)}@database.example/sprf`;
        const settings = settingsOf(mnemonic, chainUrl, `https://ledger.example/?apikey=${queryKey}`, database);
        const lines: string[] = [];
        const logger = createPinoLogger({
          level: "debug",
          hidden: secretsOf(settings),
          write: (line) => void lines.push(line),
        });
        logger.debug(`failed: ${chainUrl}: ${mnemonic}`, { settings: settings.networks, identity: settings.identity });
        logger.warn(`no database at ${database}`, { database: settings.database });
        logger.child({ url: chainUrl, words: mnemonic }).error("gone", { error: String(new Error(secret)), queryKey });
        expect(lines).to.have.length(3);
        const said = lines.map((line) => JSON.stringify(JSON.parse(line))).join("\n");
        const passwords = [secret, databaseSecret].flatMap((one) => [one, encodeURIComponent(one)]);
        for (const hidden of [mnemonic, pathKey, queryKey, ...passwords]) {
          expect(said).to.not.include(JSON.stringify(hidden).slice(1, -1));
        }
        expect(said).to.include("chain.example").and.to.include("ledger.example");
      }),
    );
  });

  it("should hide nothing of settings without secrets", () => {
    expect(secretsOf(settingsOf(undefined, "http://127.0.0.1:8545", "https://ledger.example/rpc"))).to.deep.equal([]);
  });
});

function settingsOf(mnemonic: string | undefined, chainUrl: string, ledgerUrl: string, databaseUrl?: string): Settings {
  const contracts = { twins: ADDRESS, dispatcher: ADDRESS, testers: ADDRESS, disputes: ADDRESS, records: ADDRESS };
  return settingsSchema.parse({
    networks: {
      chain: { rpcUrl: chainUrl, contracts },
      ledger: { rpcUrl: ledgerUrl, networkPassphrase: "-" },
      waku: { peers: [] },
    },
    identity: mnemonic === undefined ? {} : { mnemonic },
    ...(databaseUrl === undefined ? {} : { database: { url: databaseUrl } }),
  });
}

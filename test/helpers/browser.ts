import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import axe, { type AxeResults } from "axe-core";
import { expect } from "chai";
import { JsonRpcProvider, Wallet, hexlify } from "ethers";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const PROGRAM = process.env["SPRF_CHROMIUM"] ?? "/usr/bin/chromium";
const IMAGES = fileURLToPath(new URL("../../docs/images", import.meta.url));
const MAX_PICTURE_HEIGHT = 1_100;
const MAX_PICTURE_BYTES = 150_000;
/** Places that a failure names. */
const MAX_SHOWN = 3;
/** What a machine with ten times its load takes. */
const TIMEOUT_MS = 60_000;

/** Why Chromium cannot be used, or undefined when it can. */
export function chromiumAbsent(): string | undefined {
  if (!existsSync(PROGRAM)) return `there is no ${PROGRAM}; scripts/ci/chromium.sh installs it`;
  try {
    execFileSync(PROGRAM, ["--version"], { stdio: "ignore" });
    return undefined;
  } catch (error) {
    return `${PROGRAM} does not run: ${String(error)}`;
  }
}

export async function startBrowser(): Promise<Browser> {
  // CI is root on a machine of its own, where Chromium's sandbox does not start.
  return await chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox"] });
}

/** What a page looks like. */
export interface Look {
  readonly width: 360 | 1280;
  readonly colours: "light" | "dark";
}

/** All combinations that must be good. */
export const LOOKS: readonly Look[] = [
  { width: 1280, colours: "light" },
  { width: 1280, colours: "dark" },
  { width: 360, colours: "light" },
  { width: 360, colours: "dark" },
];

/** A page of its own, and what it complained of. */
export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of the console, of scripts, and of requests that failed. */
  readonly complaints: string[];
  close(): Promise<void>;
}

export async function openPage(browser: Browser, { width, colours }: Look): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: colours,
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "UTC",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
  return { page, context, complaints, close: async () => await context.close() };
}

/**
 * Gives the page a wallet as extensions do (EIP-1193), with one key and a node. `decline` has it refuse what it is asked to sign.
 * Resolves with a switch for that.
 */
export async function giveWallet(
  context: BrowserContext,
  { rpcUrl, privateKey }: { readonly rpcUrl: string; readonly privateKey: Uint8Array },
): Promise<{ decline: boolean; close(): void }> {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  const wallet = new Wallet(hexlify(privateKey), provider);
  const control = { decline: false, close: () => provider.destroy() };
  await context.exposeFunction("sprfTestWallet", async (method: string, params: unknown[]): Promise<unknown> => {
    try {
      return { result: await answer(method, params) };
    } catch (error) {
      return { error: errorOf(error) };
    }
  });
  async function answer(method: string, params: unknown[]): Promise<unknown> {
    if (method === "eth_requestAccounts" || method === "eth_accounts") return [wallet.address];
    if (method !== "eth_sendTransaction") return await provider.send(method, params);
    if (control.decline) throw Object.assign(new Error("User rejected the request."), { code: 4001 });
    const { gas, from: _, ...transaction } = params[0] as Readonly<Record<string, string>>;
    return (await wallet.sendTransaction({ ...transaction, ...(gas === undefined ? {} : { gasLimit: gas }) })).hash;
  }
  await context.addInitScript(PROVIDER);
  return control;
}

/** Runs in the page: what an extension would put there. */
const PROVIDER = `
  globalThis.ethereum = {
    async request({ method, params = [] }) {
      const { result, error } = await sprfTestWallet(method, params);
      if (error !== undefined) throw Object.assign(new Error(error.message), error);
      return result;
    },
  };
`;

/** As a node says it, whose words ethers wraps. */
function errorOf(error: unknown): { readonly code: number; readonly message: string; readonly data?: unknown } {
  const found = error as { code?: unknown; message?: string; info?: { error?: object }; error?: object };
  const inner = (found.info?.error ?? found.error ?? found) as { code?: unknown; message?: string; data?: unknown };
  return {
    code: typeof inner.code === "number" ? inner.code : -32_603,
    message: inner.message ?? "failed",
    ...(inner.data === undefined ? {} : { data: inner.data }),
  };
}

/** Fails when axe-core finds anything of impact serious or critical. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  // Not by a script element, which the page's own policy forbids.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>("axe.run(document)");
  const found = violations.map(({ id, impact, nodes }) => ({
    id,
    impact: String(impact),
    nodes: nodes.slice(0, MAX_SHOWN).map(({ html, failureSummary }) => `${html} ${failureSummary ?? ""}`),
  }));
  const grave = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(grave, where).to.deep.equal([]);
}

/** Fails when a page is wider than its window, so that it would have to be moved to and fro. */
export async function expectFits(page: Page, where: string): Promise<void> {
  const [wide, room] = await page.evaluate<[number, number]>(
    "[document.documentElement.scrollWidth, window.innerWidth]",
  );
  expect(wide, `${where} is wider than its window`).to.be.at.most(room);
}

/** Writes a picture for the documents, if that is asked for by `SPRF_SCREENSHOTS=1`. */
export async function picture(page: Page, name: string, maxHeight = MAX_PICTURE_HEIGHT): Promise<void> {
  if (process.env["SPRF_SCREENSHOTS"] !== "1") return;
  await mkdir(IMAGES, { recursive: true });
  const window = page.viewportSize() ?? { width: 0, height: 0 };
  const height = await page.evaluate<number>("document.documentElement.scrollHeight");
  await page.setViewportSize({ ...window, height: Math.min(height, maxHeight) });
  const image = await page.screenshot({ path: join(IMAGES, `${name}.png`) });
  await page.setViewportSize(window);
  expect(image.length, name).to.be.below(MAX_PICTURE_BYTES);
}

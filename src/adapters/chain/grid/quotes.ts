import type { GridQuotes } from "../../../ports/grid-quotes.ts";
import type { Connection } from "../connection.ts";
import { IGridQuotes__factory, IPriceBook__factory } from "../factories.ts";
import { resourcesStruct } from "./values.ts";

/** Names are sold by the registry's first policy. */
const NAME_POLICY = 1;

/** Quotes (contracts/interfaces/IGridQuotes.sol) and the book of prices (IPriceBook.sol). */
export function createGridQuotes(
  connection: Connection,
  addresses: { readonly quotes: string; readonly prices: string },
): GridQuotes {
  const quotes = IGridQuotes__factory.connect(addresses.quotes, connection.provider);
  const prices = IPriceBook__factory.connect(addresses.prices, connection.provider);
  const { read } = connection;
  return {
    nodeCost: (policy, { publicIps, onRentedNode, ...used }, seconds, options) =>
      read(() => quotes.node(policy, resourcesStruct(used), publicIps, seconds, onRentedNode), options),
    rentCost: (policy, resources, seconds, options) =>
      read(() => quotes.rent(policy, resourcesStruct(resources), seconds), options),
    trafficCost: (policy, bytes, seconds, options) => read(() => quotes.network(policy, bytes, seconds), options),
    nameCost: (seconds, options) => read(() => quotes.name(NAME_POLICY, seconds), options),
    async etherPrice(options) {
      const { price, fresh } = await read(() => prices.peek(), options);
      return { grainsPerRatePercent: price, isFresh: fresh };
    },
  };
}

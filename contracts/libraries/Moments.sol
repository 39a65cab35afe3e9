// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGridRegistry} from "../interfaces/IGridRegistry.sol";
import {IPriceBook} from "../interfaces/IPriceBook.sol";

/// @dev When something is settled, and by what numbers. The price book is asked once for all streams of a call.
struct Moment {
    IGridRegistry registry;
    IPriceBook book;
    uint256 time;
    // See IPriceBook.
    uint256 price;
    uint256 sum;
    uint256 changedAt;
    bool fresh;
    // Settings of the grid's contracts.
    uint256 interval;
    uint256 graceSeconds;
    uint256 graceShare;
}

/// @title Prices around a moment
/// @notice The integral of the price is a straight line since its last change; what lies before is the book's to answer.
library Moments {
    /// @notice The integral at a time that is not after the moment.
    function sumAt(Moment memory self, uint256 time) internal view returns (uint256 sum) {
        unchecked {
            // What the integral grew by since then is a part of it.
            if (time >= self.changedAt) return self.sum - self.price * (self.time - time);
        }
        (, sum) = self.book.priceAt(time);
    }

    /// @notice The price in the second before a time that is not after the moment.
    function priceBefore(Moment memory self, uint256 time) internal view returns (uint256 price) {
        if (time > self.changedAt) return self.price;
        (price, ) = self.book.priceAt(time);
    }

    /// @notice The last second at which the integral is at most `sum`.
    /// @param from A time before that, with its own integral.
    function lastTimeAt(
        Moment memory self,
        uint256 from,
        uint256 sumFrom,
        uint256 sum
    ) internal view returns (uint256 time) {
        if (from >= self.changedAt) return from + (sum - sumFrom) / self.price;
        return self.book.lastTimeAt(sum);
    }
}

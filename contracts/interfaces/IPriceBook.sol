// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Price} from "../types/GridTypes.sol";
import {IPriceFeed} from "./IPriceFeed.sol";

/// @title What ether cost at any moment since the book began
/// @notice Keeps the last good answer of a feed and every change that somebody touched the book for. The price is constant
/// between two changes and a change counts from its touch forward, never backward: whoever looks later sees the same past.
///
/// Units: a *grain* is 2^-52 wei. `price` is the grains that a rate of one (2^-20 of 1e-7 USD per hour, see Billing) costs
/// in a second for each percent that the discount leaves; `sum` is its integral over seconds. So what a rate costs between
/// two moments is rate x (100 - discount) x (sum then - sum before), in grains, without a remainder, and what a charge
/// of the same unit as a rate's (`Billing.networkCharge`) costs once is charge x (100 - discount) x price x 3600.
///
/// A feed that reverts, burns its gas, answers too little, zero, less, a price out of range, or with a time that is in the
/// future or older than `maxAge`, is not fresh; what was good last stays the price. Nothing here ever reverts because of it.
interface IPriceBook {
    /// @notice The price is another one from now on. `sum` is the integral up to now.
    event PriceChanged(uint256 price, uint256 sum);
    /// @notice The feed gave no good answer, and the price of the last good one was used.
    event StalePriceUsed(uint256 price);

    /// @notice At deployment the feed must be there and give a good answer.
    error PriceBook_BadFeed(address feed);
    /// @notice A constructor number is out of bounds.
    error PriceBook_BadSetting(bytes32 name, uint256 min, uint256 max, uint256 actual);
    /// @notice So little gas is left that the feed might fail for want of it, which would pass for a stale price.
    error PriceBook_NotEnoughGas(uint256 required, uint256 actual);

    /// @notice Reads the feed and writes a new price down when it changed. Anybody may.
    /// @return now_ The price from now on, the integral up to now, and whether the feed stands behind it.
    /// @dev Emits StalePriceUsed when it does not. Reverts with PriceBook_NotEnoughGas.
    function touch() external returns (Price memory now_);

    /// @notice What `touch` would return.
    /// @dev Reverts with PriceBook_NotEnoughGas.
    function peek() external view returns (Price memory now_);

    /// @notice The integral at a moment, and the price just before it: a change counts only after its second, so that what is
    /// said of a second never changes again once it has come. Up to the book's beginning: the first price, and no
    /// integral; beyond the last change: the last price goes on. One slot is read unless a change lies between.
    /// @param time Seconds since 1970, below 2^40.
    function priceAt(uint256 time) external view returns (uint256 price, uint256 sum);

    /// @notice The last second at which the integral is at most `sum`, if the price stays after the last change; so what
    /// was paid for up to `sum` lasts until then. At most 2^40 - 1.
    function lastTimeAt(uint256 sum) external view returns (uint256 time);

    /// @notice The feed.
    function feed() external view returns (IPriceFeed);

    /// @notice Seconds after which an answer of the feed is stale.
    function maxAge() external view returns (uint256);

    /// @notice How many changes are written down, the first price included.
    function changeCount() external view returns (uint256);
}

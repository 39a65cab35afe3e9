// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IPriceBook} from "../interfaces/IPriceBook.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {Billing} from "../libraries/Billing.sol";
import {Price} from "../types/GridTypes.sol";

/// @title What ether cost at any moment since the book began, see {IPriceBook}
contract PriceBook is IPriceBook {
    /// @dev The price after second `since`, and the integral up to it. One slot; `sum` cannot overflow, since a price has 56
    /// bits and time 40.
    struct Change {
        uint40 since;
        uint56 price;
        uint96 sum;
    }

    /// @notice Gas that the feed may use.
    uint256 public constant FEED_GAS = 100_000;
    /// @notice Gas that must be left, so that the feed surely gets that much: a call passes 63 of 64 parts on.
    uint256 public constant REQUIRED_GAS = FEED_GAS + FEED_GAS / 63 + 10_000;
    /// @notice Decimals of a feed, at most.
    uint256 public constant MAX_DECIMALS = 18;
    /// @notice Bounds of `maxAge`, in seconds.
    uint256 public constant MIN_AGE = 60;
    uint256 public constant MAX_AGE = 30 days;
    /// @notice Bounds of a price: about 2 cents and 20 billion USD for one ether.
    uint256 public constant MIN_PRICE = 1 << 16;
    uint256 public constant MAX_PRICE = type(uint56).max;

    uint256 private constant MAX_TIME = type(uint40).max;
    /// @dev 1 USD is so many 1e-7 USD, and 1 ether so many wei.
    uint256 private constant USD_DECIMALS = 7;
    uint256 private constant ETHER_DECIMALS = 18;
    uint256 private constant PERCENT = 100;

    IPriceFeed private immutable FEED;
    uint256 private immutable MAX_ANSWER_AGE;
    /// @dev A price is this number over the feed's answer.
    uint256 private immutable NUMERATOR;
    uint256 private immutable MIN_ANSWER;
    uint256 private immutable MAX_ANSWER;

    /// @dev In a slot of its own: who asks for a moment after the last change reads it alone.
    Change private _newest;
    Change[] private _older;

    constructor(IPriceFeed feed_, uint256 maxAge_) {
        if (address(feed_).code.length == 0) revert PriceBook_BadFeed(address(feed_));
        _checkSetting("maxAge", MIN_AGE, MAX_AGE, maxAge_);
        uint256 decimals = feed_.decimals();
        _checkSetting("decimals", 0, MAX_DECIMALS, decimals);

        uint256 grainsPerWei = 1 << Billing.GRAIN_BITS;
        uint256 ratesPerUnit = (1 << Billing.RATE_BITS) * Billing.SECONDS_PER_HOUR * PERCENT;
        FEED = feed_;
        MAX_ANSWER_AGE = maxAge_;
        NUMERATOR = (10 ** (ETHER_DECIMALS - USD_DECIMALS + decimals) * grainsPerWei) / ratesPerUnit;
        MIN_ANSWER = Math.ceilDiv(NUMERATOR, MAX_PRICE);
        MAX_ANSWER = NUMERATOR / MIN_PRICE;

        uint256 price = _read();
        if (price == 0) revert PriceBook_BadFeed(address(feed_));
        _newest = Change({since: uint40(block.timestamp), price: uint56(price), sum: 0});
        emit PriceChanged(price, 0);
    }

    /// @inheritdoc IPriceBook
    function touch() external returns (Price memory now_) {
        Change memory newest = _newest;
        now_ = _peek(newest);
        if (!now_.fresh) emit StalePriceUsed(now_.price);
        if (now_.price == newest.price) return now_;

        // A price that no second saw was never a price, but for the first: it counts for all that was before.
        if (newest.since != block.timestamp || _older.length == 0) _older.push(newest);
        _newest = Change({since: uint40(block.timestamp), price: now_.price, sum: now_.sum});
        emit PriceChanged(now_.price, now_.sum);
    }

    /// @inheritdoc IPriceBook
    function peek() external view returns (Price memory now_) {
        return _peek(_newest);
    }

    /// @inheritdoc IPriceBook
    function priceAt(uint256 time) external view returns (uint256 price, uint256 sum) {
        Change memory change = _newest;
        if (time <= change.since && _older.length != 0) change = _older[_lastBefore(time)];
        if (time <= change.since) return (change.price, change.sum);
        return (change.price, _sumAt(change, time));
    }

    /// @inheritdoc IPriceBook
    function lastTimeAt(uint256 sum) external view returns (uint256 time) {
        Change memory change = _newest;
        if (sum < change.sum) change = _older[_lastWithin(sum)];
        return Math.min(MAX_TIME, change.since + (sum - change.sum) / change.price);
    }

    /// @inheritdoc IPriceBook
    function feed() external view returns (IPriceFeed) {
        return FEED;
    }

    /// @inheritdoc IPriceBook
    function maxAge() external view returns (uint256) {
        return MAX_ANSWER_AGE;
    }

    /// @inheritdoc IPriceBook
    function changeCount() external view returns (uint256) {
        return _older.length + 1;
    }

    function _peek(Change memory newest) private view returns (Price memory now_) {
        uint256 price = _read();
        now_.fresh = price != 0;
        now_.price = now_.fresh ? uint56(price) : newest.price;
        now_.sum = uint96(_sumAt(newest, block.timestamp));
        now_.changedAt = now_.price == newest.price ? newest.since : uint40(block.timestamp);
    }

    /// @dev The last older change that came before `time`, the first one when none did.
    function _lastBefore(uint256 time) private view returns (uint256 index) {
        uint256 end = _older.length;
        while (end - index > 1) {
            uint256 middle = (index + end) / 2;
            if (_older[middle].since < time) index = middle;
            else end = middle;
        }
    }

    /// @dev The last older change up to which the integral is at most `sum`. The first has none.
    function _lastWithin(uint256 sum) private view returns (uint256 index) {
        uint256 end = _older.length;
        while (end - index > 1) {
            uint256 middle = (index + end) / 2;
            if (_older[middle].sum <= sum) index = middle;
            else end = middle;
        }
    }

    function _sumAt(Change memory change, uint256 time) private pure returns (uint256) {
        return change.sum + uint256(change.price) * (time - change.since);
    }

    /// @dev Asks the feed with bounded gas and takes no more than its answer's words from it. Zero when it gives no good
    /// answer.
    function _read() private view returns (uint256 price) {
        uint256 left = gasleft();
        if (left < REQUIRED_GAS) revert PriceBook_NotEnoughGas(REQUIRED_GAS, left);
        address feed_ = address(FEED);
        uint256 feedGas = FEED_GAS;
        bytes memory question = abi.encodeCall(IPriceFeed.latestRoundData, ());
        // Its id, answer, startedAt, updatedAt, answeredInRound.
        uint256[5] memory words;
        bool answered;
        assembly ("memory-safe") {
            answered := staticcall(feedGas, feed_, add(question, 0x20), mload(question), words, 0xa0)
            answered := and(answered, gt(returndatasize(), 0x9f))
        }
        uint256 answer = words[1];
        uint256 updatedAt = words[3];
        if (!answered || updatedAt > block.timestamp || block.timestamp - updatedAt > MAX_ANSWER_AGE) return 0;
        // A negative one is beyond every bound.
        if (answer < MIN_ANSWER || answer > MAX_ANSWER) return 0;
        return (NUMERATOR + answer / 2) / answer;
    }

    function _checkSetting(bytes32 name, uint256 min, uint256 max, uint256 actual) private pure {
        if (actual < min || actual > max) revert PriceBook_BadSetting(name, min, max, actual);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PriceBook} from "../../../contracts/grid/PriceBook.sol";
import {ScriptedFeed} from "../../../contracts/mocks/ScriptedFeed.sol";
import {Price} from "../../../contracts/types/GridTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev A book against a list of all prices that ever counted, second by second.
contract PriceBookTest is SolidityTest {
    uint256 private constant START = 1_800_000_000;
    uint256 private constant STEPS = 12;
    uint256 private constant QUESTIONS = 16;
    uint256 private constant MAX_TIME = type(uint40).max;

    ScriptedFeed private _feed;
    PriceBook private _book;
    // Of each step: its second, and the price after it.
    uint256[] private _times;
    uint256[] private _prices;

    /// @dev Whatever was touched when, the past is what it was, and what a sum pays for lasts as long as it should.
    function testFuzzThePastStaysWhatItWas(uint256 seed) external {
        _begin(uint256(keccak256(abi.encode(seed))));
        for (uint256 i = 0; i < STEPS; i++) {
            _step(uint256(keccak256(abi.encode(seed, i))));
            _checkPast(seed, i);
        }
        for (uint256 i = 0; i < QUESTIONS; i++) {
            uint256 roll = uint256(keccak256(abi.encode(seed, "question", i)));
            uint256 time = START - 10 + (roll % (block.timestamp - START + 1000));
            // At the seconds of changes things are likeliest to be off by one.
            if (i % 2 == 0) time = _times[roll % _times.length] + ((roll >> 128) % 3) - 1;
            _checkMoment(time);
            (, uint256 end) = _book.priceAt(block.timestamp + 1000);
            _checkLast(roll % (end + 1));
            (, uint256 sum) = _book.priceAt(time);
            _checkLast(sum);
        }
    }

    /// @dev With the dearest price for as long as a second has a number, nothing overflows.
    function testNothingOverflows() external {
        VM.warp(1);
        _feed = new ScriptedFeed();
        _feed.setDecimals(0);
        _feed.setAnswer(1, 0);
        VM.warp(2);
        _feed.setDecimals(8);
        _feed.setAnswer(1_700_000, 0);
        _book = new PriceBook(_feed, 60);
        (uint256 price, ) = _book.priceAt(2);
        _check(price > 2 ** 55, "a price near its end");
        VM.warp(MAX_TIME);
        Price memory now_ = _book.touch();
        _equal(now_.sum, price * (MAX_TIME - 2), "the sum of all time");
        (, uint256 sum) = _book.priceAt(MAX_TIME);
        _equal(sum, now_.sum, "the same");
        _equal(_book.lastTimeAt(type(uint256).max / 2), MAX_TIME, "no later second");
        _feed.setAnswer(3_000e8, 0);
        _equal(_book.touch().sum, now_.sum, "written down");
    }

    function _begin(uint256 seed) private {
        VM.warp(START);
        _feed = new ScriptedFeed();
        _feed.setAnswer(_answer(seed), 0);
        _book = new PriceBook(_feed, 3600);
        _times.push(START);
        _prices.push(_book.peek().price);
    }

    /// @dev Time goes on, or not; the feed says something else, or nothing good; somebody touches the book.
    function _step(uint256 roll) private {
        VM.warp(block.timestamp + ((roll & 3 == 0) ? 0 : (roll >> 8) % 100_000));
        if ((roll >> 2) & 3 == 0) _feed.setMood(ScriptedFeed.Mood.Refuse);
        else _feed.setAnswer(_answer(roll), 0);
        Price memory peeked = _book.peek();
        Price memory touched = _book.touch();
        _check(keccak256(abi.encode(peeked)) == keccak256(abi.encode(touched)), "a touch is as foreseen");
        _check(touched.fresh == ((roll >> 2) & 3 != 0), "fresh");
        if (!touched.fresh) _equal(touched.price, _prices[_prices.length - 1], "the last good price");
        _equal(touched.sum, _sum(block.timestamp), "the sum up to now");
        _times.push(block.timestamp);
        _prices.push(touched.price);
        if (touched.changedAt != block.timestamp) _equal(_price(touched.changedAt + 1), touched.price, "since then");
    }

    /// @dev What was said of the seconds until now is not changed by what comes.
    function _checkPast(uint256 seed, uint256 step) private {
        uint256 time = block.timestamp - (uint256(keccak256(abi.encode(seed, "past", step))) % 100);
        (uint256 price, uint256 sum) = _book.priceAt(time);
        _feed.setAnswer(_answer(uint256(keccak256(abi.encode(seed, "touched again", step)))), 0);
        _book.touch();
        _times.push(block.timestamp);
        _prices.push(_book.peek().price);
        (uint256 priceAfter, uint256 sumAfter) = _book.priceAt(time);
        _equal(priceAfter, price, "the price stays");
        _equal(sumAfter, sum, "the sum stays");
    }

    function _checkMoment(uint256 time) private view {
        (uint256 price, uint256 sum) = _book.priceAt(time);
        _equal(price, _price(time), "the price");
        _equal(sum, _sum(time), "the sum");
    }

    function _checkLast(uint256 sum) private view {
        uint256 time = _book.lastTimeAt(sum);
        _check(_sum(time) <= sum, "paid for");
        _check(_sum(time + 1) > sum, "and no second more");
    }

    function _answer(uint256 roll) private pure returns (int256) {
        return int256(1e8 + ((roll >> 200) % 9_999e8));
    }

    /// @dev Just before a second: of the last step that came before it.
    function _price(uint256 time) private view returns (uint256 price) {
        price = _prices[0];
        for (uint256 i = 0; i < _times.length; i++) {
            if (_times[i] < time) price = _prices[i];
        }
    }

    function _sum(uint256 time) private view returns (uint256 sum) {
        for (uint256 i = 0; i < _times.length; i++) {
            uint256 end = i + 1 < _times.length && _times[i + 1] < time ? _times[i + 1] : time;
            if (end > _times[i]) sum += (end - _times[i]) * _prices[i];
        }
    }
}

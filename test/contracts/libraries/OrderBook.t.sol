// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OrderBook} from "../../../contracts/libraries/OrderBook.sol";
import {SolidityTest} from "../base/Vm.sol";

contract OrderBookTest is SolidityTest {
    using OrderBook for OrderBook.Books;

    bytes32 private constant TYPE = "a type";
    uint256 private constant ENTRIES = 24;

    OrderBook.Books private _books;
    bool[ENTRIES + 1] private _seen;

    /// @dev A higher price never has a lower level, and prices of one level differ by less than 1/256.
    function testFuzzLevelsFollowPrices(uint96 a, uint96 b) external pure {
        uint256 low = a < b ? a : b;
        uint256 high = a < b ? b : a;
        VM.assume(low != 0);
        uint256 lowLevel = OrderBook.levelOf(low);
        uint256 highLevel = OrderBook.levelOf(high);
        _check(lowLevel <= highLevel, "levels are ordered");
        if (lowLevel == highLevel) _check((high - low) * 256 <= low, "a level is 1/256 wide");
        else _check(high > low, "different levels, different prices");
    }

    /// @dev Whatever was inserted and removed, a walk meets every listed entry of its classes once, cheapest level first.
    function testFuzzWalkMeetsEveryEntryInOrder(uint256 seed, uint32 rawLength) external {
        uint256 length = _bound(rawLength, 1, type(uint32).max);
        for (uint256 i = 0; i < 3 * ENTRIES; i++) {
            uint256 roll = uint256(keccak256(abi.encode(seed, i)));
            _toggle(1 + (roll % ENTRIES), roll >> 8);
        }
        _walkAll(length);
    }

    function _toggle(uint256 id, uint256 roll) private {
        if (_books.nodes[id].listed) {
            _books.remove(TYPE, id);
            return;
        }
        // Few bits make equal prices, many make levels in all words.
        uint96 price = uint96((roll >> 16) >> (160 + (roll % 96)));
        uint32 maxLength = uint32((roll >> 120) >> (roll % 32));
        _books.setTerms(id, price == 0 ? 1 : price, maxLength == 0 ? 1 : maxLength);
        _books.insert(TYPE, id);
    }

    function _walkAll(uint256 length) private {
        OrderBook.Walk memory walk = _books.walk(TYPE, length);
        uint256 last;
        uint256 met;
        for (uint256 id = _books.step(walk); id != 0; id = _books.step(walk)) {
            _check(!_seen[id], "an entry is met once");
            _seen[id] = true;
            _check(_books.nodes[id].listed, "only listed entries are met");
            uint256 level = OrderBook.levelOf(_books.nodes[id].price);
            _check(level >= last, "levels do not fall");
            last = level;
            met++;
            _check(met <= ENTRIES, "a walk ends");
        }
        for (uint256 id = 1; id <= ENTRIES; id++) {
            OrderBook.Node memory node = _books.nodes[id];
            if (node.listed && node.maxLength >= length) _check(_seen[id], "every servable entry is met");
        }
    }

    /// @dev After everything was taken out, nothing is left behind, in any word.
    function testFuzzRemoveLeavesNothing(uint256 seed) external {
        for (uint256 i = 0; i < ENTRIES; i++) {
            _toggle(i + 1, uint256(keccak256(abi.encode(seed, i))));
        }
        for (uint256 i = ENTRIES; i > 0; i--) {
            _books.remove(TYPE, i);
        }
        _equal(_books.classes[TYPE], 0, "no class is in use");
        for (uint256 class = 0; class < 32; class++) {
            _equal(_books.books[TYPE][class].exponents, 0, "no exponent is in use");
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Order books of workers: cheapest first in constant time
/// @notice One book per application type and length class. A class c holds the workers whose longest length lies in
/// [2^c, 2^(c+1)). Prices fall into levels of 1/256 relative width (8 bits of mantissa below the leading one); the
/// levels in use are found through two levels of bitmaps, and each level is a first-in first-out list. So inserting,
/// removing and stepping to the next dearer entry read and write a fixed number of slots, however many workers
/// there are.
library OrderBook {
    using Math for uint256;

    /// @dev One slot. Price and length are kept while the entry is not listed, too.
    struct Node {
        uint40 prev;
        uint40 next;
        uint96 price;
        uint32 maxLength;
        bool listed;
    }

    struct Book {
        // Bit e is set when mantissas[e] is not zero.
        uint256 exponents;
        // Bit m is set when the level (e << 8 | m) has entries.
        mapping(uint256 exponent => uint256) mantissas;
        // Head in the low 40 bits, tail above.
        mapping(uint256 level => uint256 ends) lists;
    }

    struct Books {
        // Bit c is set when the class has entries.
        mapping(bytes32 applicationType => uint256) classes;
        mapping(bytes32 applicationType => mapping(uint256 class => Book)) books;
        mapping(uint256 id => Node) nodes;
    }

    /// @dev A walk through all classes that can hold a length: one cursor a class.
    struct Walk {
        bytes32 applicationType;
        uint256 cursors;
        uint256[] classes;
        uint256[] ids;
        uint256[] prices;
    }

    uint256 private constant ID_BITS = 40;
    uint256 private constant ID_MASK = (1 << ID_BITS) - 1;
    uint256 private constant MANTISSA_BITS = 8;
    uint256 private constant MANTISSA_MASK = (1 << MANTISSA_BITS) - 1;
    /// @dev Lengths have 32 bits, so there are 32 classes.
    uint256 private constant MAX_CLASSES = 32;

    /// @notice The level of a price; a higher price never has a lower level. The price is not zero.
    function levelOf(uint256 price) internal pure returns (uint256) {
        uint256 exponent = price.log2();
        uint256 mantissa =
            exponent < MANTISSA_BITS ? price << (MANTISSA_BITS - exponent) : price >> (exponent - MANTISSA_BITS);
        return (exponent << MANTISSA_BITS) | (mantissa & MANTISSA_MASK);
    }

    /// @notice Sets an unlisted entry's price and length.
    function setTerms(Books storage self, uint256 id, uint96 price, uint32 maxLength) internal {
        Node storage node = self.nodes[id];
        node.price = price;
        node.maxLength = maxLength;
    }

    /// @notice Lists an entry behind those of its level.
    function insert(Books storage self, bytes32 applicationType, uint256 id) internal {
        Node memory node = self.nodes[id];
        uint256 class = uint256(node.maxLength).log2();
        Book storage book = self.books[applicationType][class];
        uint256 level = levelOf(node.price);
        uint256 ends = book.lists[level];
        uint256 tail = ends >> ID_BITS;

        if (tail == 0) {
            book.lists[level] = (id << ID_BITS) | id;
            _markLevel(self, book, applicationType, class, level);
        } else {
            book.lists[level] = (id << ID_BITS) | (ends & ID_MASK);
            self.nodes[tail].next = uint40(id);
        }
        // An id has at most ID_BITS bits: the dispatcher counts them up from 1.
        node.prev = uint40(tail);
        node.next = 0;
        node.listed = true;
        self.nodes[id] = node;
    }

    /// @notice Takes a listed entry out.
    function remove(Books storage self, bytes32 applicationType, uint256 id) internal {
        Node memory node = self.nodes[id];
        uint256 class = uint256(node.maxLength).log2();
        Book storage book = self.books[applicationType][class];
        uint256 level = levelOf(node.price);

        if (node.prev == 0 && node.next == 0) {
            delete book.lists[level];
            _clearLevel(self, book, applicationType, class, level);
        } else if (node.prev == 0) {
            book.lists[level] = (book.lists[level] & ~ID_MASK) | node.next;
            self.nodes[node.next].prev = 0;
        } else if (node.next == 0) {
            book.lists[level] = (uint256(node.prev) << ID_BITS) | (book.lists[level] & ID_MASK);
            self.nodes[node.prev].next = 0;
        } else {
            self.nodes[node.prev].next = node.next;
            self.nodes[node.next].prev = node.prev;
        }
        node.prev = 0;
        node.next = 0;
        node.listed = false;
        self.nodes[id] = node;
    }

    /// @notice Begins a walk through the classes that can hold `length`. Entries of the lowest class may be too short:
    /// the caller looks.
    function walk(
        Books storage self,
        bytes32 applicationType,
        uint256 length
    ) internal view returns (Walk memory result) {
        result.applicationType = applicationType;
        result.classes = new uint256[](MAX_CLASSES);
        result.ids = new uint256[](MAX_CLASSES);
        result.prices = new uint256[](MAX_CLASSES);

        uint256 lowest = length.log2();
        uint256 rest = (self.classes[applicationType] >> lowest) << lowest;
        uint256 cursors;
        // At most MAX_CLASSES bits.
        while (rest != 0) {
            uint256 class = _lowestBit(rest);
            rest &= rest - 1;
            Book storage book = self.books[applicationType][class];
            uint256 id = book.lists[_firstLevel(book)] & ID_MASK;
            result.classes[cursors] = class;
            result.ids[cursors] = id;
            result.prices[cursors] = self.nodes[id].price;
            cursors++;
        }
        result.cursors = cursors;
    }

    /// @notice Leaves the lowest class of a walk, the only one whose entries can be too short, out of its further steps.
    function dropLowest(Walk memory state, uint256 length) internal pure {
        uint256 lowest = length.log2();
        for (uint256 i = 0; i < state.cursors; i++) {
            if (state.classes[i] == lowest) {
                _dropCursor(state, i);
                return;
            }
        }
    }

    /// @notice The cheapest entry not yet walked, 0 when there is none, and moves past it.
    function step(Books storage self, Walk memory state) internal view returns (uint256 id) {
        if (state.cursors == 0) return 0;
        uint256 best;
        for (uint256 i = 1; i < state.cursors; i++) {
            if (state.prices[i] < state.prices[best]) best = i;
        }
        id = state.ids[best];

        uint256 next = _after(self, state.applicationType, state.classes[best], id);
        if (next != 0) {
            state.ids[best] = next;
            state.prices[best] = self.nodes[next].price;
        } else {
            _dropCursor(state, best);
        }
    }

    /// @dev The last cursor takes its place.
    function _dropCursor(Walk memory state, uint256 i) private pure {
        uint256 last = --state.cursors;
        state.classes[i] = state.classes[last];
        state.ids[i] = state.ids[last];
        state.prices[i] = state.prices[last];
    }

    function _after(
        Books storage self,
        bytes32 applicationType,
        uint256 class,
        uint256 id
    ) private view returns (uint256) {
        Node memory node = self.nodes[id];
        if (node.next != 0) return node.next;

        Book storage book = self.books[applicationType][class];
        uint256 level = levelOf(node.price);
        uint256 exponent = level >> MANTISSA_BITS;
        // Two shifts: the mantissa may be 255, and a single shift by 256 is what is meant then.
        uint256 dearer = (book.mantissas[exponent] >> (level & MANTISSA_MASK)) >> 1;
        if (dearer != 0) {
            return book.lists[level + 1 + _lowestBit(dearer)] & ID_MASK;
        }
        uint256 exponents = (book.exponents >> exponent) >> 1;
        if (exponents == 0) return 0;
        exponent += 1 + _lowestBit(exponents);
        return book.lists[(exponent << MANTISSA_BITS) | _lowestBit(book.mantissas[exponent])] & ID_MASK;
    }

    function _firstLevel(Book storage book) private view returns (uint256) {
        uint256 exponent = _lowestBit(book.exponents);
        return (exponent << MANTISSA_BITS) | _lowestBit(book.mantissas[exponent]);
    }

    function _markLevel(
        Books storage self,
        Book storage book,
        bytes32 applicationType,
        uint256 class,
        uint256 level
    ) private {
        uint256 exponent = level >> MANTISSA_BITS;
        uint256 mantissas = book.mantissas[exponent];
        book.mantissas[exponent] = mantissas | (1 << (level & MANTISSA_MASK));
        if (mantissas != 0) return;
        uint256 exponents = book.exponents;
        book.exponents = exponents | (1 << exponent);
        if (exponents == 0) self.classes[applicationType] |= 1 << class;
    }

    function _clearLevel(
        Books storage self,
        Book storage book,
        bytes32 applicationType,
        uint256 class,
        uint256 level
    ) private {
        uint256 exponent = level >> MANTISSA_BITS;
        uint256 mantissas = book.mantissas[exponent] & ~(1 << (level & MANTISSA_MASK));
        book.mantissas[exponent] = mantissas;
        if (mantissas != 0) return;
        uint256 exponents = book.exponents & ~(1 << exponent);
        book.exponents = exponents;
        if (exponents == 0) self.classes[applicationType] &= ~(1 << class);
    }

    function _lowestBit(uint256 word) private pure returns (uint256) {
        return (word & (~word + 1)).log2();
    }
}

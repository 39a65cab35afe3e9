// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChangeSets} from "../../../contracts/libraries/ChangeSets.sol";
import {ChannelSlots} from "../../../contracts/libraries/ChannelSlots.sol";
import {Change, InboxKind} from "../../../contracts/types/ChannelTypes.sol";
import {ChannelActors} from "./ChannelActors.sol";

/// @dev What the nodes of a channel would hold: the inbox, and the exit ledger that its entries and the program's moves
/// make. One that settles is what the next one starts from.
abstract contract ChannelModel is ChannelActors {
    struct Entry {
        InboxKind kind;
        uint256 actor;
        uint256[2] amounts;
    }

    /// @dev By actor, then ether and the token.
    struct Ledger {
        uint256[2][5] owned;
        uint256[2][5] exits;
    }

    struct Book {
        uint64 height;
        uint64 cursor;
        uint64 closeAt;
        bool closed;
        Ledger ledger;
        // Of a settlement that waits for its window.
        uint64 nextHeight;
        uint64 nextCursor;
        Ledger next;
    }

    mapping(uint256 channel => Entry[]) internal _inbox;
    mapping(uint256 channel => Book) internal _books;
    mapping(uint256 channel => mapping(uint256 actor => uint256[2])) public paid;

    function assetKey(uint256 asset) public view returns (bytes32) {
        return ChannelSlots.assetKey(asset == 0 ? address(0) : address(token), 0);
    }

    function bookOf(uint256 channel) external view returns (Book memory) {
        return _books[channel];
    }

    /// @dev What the entries up to a cursor make of a ledger.
    function _take(uint256 channel, Ledger memory ledger, uint64 from, uint64 to) internal view {
        for (uint64 i = from; i < to; i++) {
            Entry memory entry = _inbox[channel][i];
            for (uint256 asset = 0; asset < 2; asset++) {
                if (entry.kind == InboxKind.Join) ledger.owned[entry.actor][asset] += entry.amounts[asset];
                if (entry.kind != InboxKind.Leave && entry.kind != InboxKind.Ban) continue;
                ledger.exits[entry.actor][asset] += ledger.owned[entry.actor][asset];
                ledger.owned[entry.actor][asset] = 0;
            }
        }
    }

    /// @dev What a program does: somebody loses a part to somebody else.
    function _play(Ledger memory ledger, uint256 seed) internal pure {
        (uint256 from, uint256 to) = (_roll(seed, "from") % ACTORS, _roll(seed, "to") % ACTORS);
        uint256 asset = _roll(seed, "asset") % 2;
        uint256 amount = ledger.owned[from][asset] / (1 + (_roll(seed, "part") % 3));
        ledger.owned[from][asset] -= amount;
        if (_roll(seed, "out") % 3 == 0) ledger.exits[to][asset] += amount;
        else ledger.owned[to][asset] += amount;
    }

    /// @dev All slots of a ledger, ascending.
    function _changesOf(Ledger memory ledger) internal view returns (Change[] memory changes) {
        changes = new Change[](4 * ACTORS);
        uint256 count;
        for (uint256 actor = 0; actor < ACTORS; actor++) {
            for (uint256 asset = 0; asset < 2; asset++) {
                bytes32 key = assetKey(asset);
                bytes32 owned = ChannelSlots.ownedSlot(actors[actor], key);
                bytes32 exits = ChannelSlots.exitsSlot(actors[actor], key);
                changes[count++] = Change(owned, 0, bytes32(ledger.owned[actor][asset]));
                changes[count++] = Change(exits, 0, bytes32(ledger.exits[actor][asset]));
            }
        }
        for (uint256 i = 1; i < count; i++) {
            for (uint256 j = i; j > 0 && changes[j].slot < changes[j - 1].slot; j--) {
                (changes[j], changes[j - 1]) = (changes[j - 1], changes[j]);
            }
        }
    }

    /// @dev Of less than a chunk: what stands in calldata as it is.
    function rootOf(Change[] calldata changes) external pure returns (bytes32) {
        return ChangeSets.rootOf(changes);
    }

    /// @dev What waited is what is so now.
    function _finish(uint256 channel) internal {
        Book storage book = _books[channel];
        (book.height, book.cursor, book.ledger) = (book.nextHeight, book.nextCursor, book.next);
        if (book.closeAt != 0 && book.closeAt <= book.cursor) book.closed = true;
        book.nextHeight = 0;
    }

    /// @dev What an actor may take now.
    function _due(uint256 channel, uint256 actor, uint256 asset) internal view returns (uint256 due) {
        Book storage book = _books[channel];
        due = book.ledger.exits[actor][asset];
        if (book.closed) due += book.ledger.owned[actor][asset];
        due -= paid[channel][actor][asset];
    }
}

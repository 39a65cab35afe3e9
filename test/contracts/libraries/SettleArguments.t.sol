// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SettleArguments} from "../../../contracts/libraries/SettleArguments.sol";
import {Change, Settlement, SignedVote} from "../../../contracts/types/ChannelTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev Reads them as the compiler does.
contract PlainReader {
    function settle(
        Settlement calldata settlement,
        Change[] calldata changes,
        SignedVote[] calldata votes
    ) external pure returns (bytes32) {
        return keccak256(abi.encode(settlement, changes, votes));
    }
}

/// @dev In the place of ChannelProposals: other arguments stand before them.
library ReadingLibrary {
    function read(
        mapping(uint256 => uint256) storage,
        uint256[4] calldata,
        bytes calldata arguments
    ) external pure returns (bytes32) {
        (Settlement calldata settlement, Change[] calldata changes, SignedVote[] calldata votes) = SettleArguments.read(
            arguments
        );
        return keccak256(abi.encode(settlement, changes, votes));
    }
}

/// @dev In the place of ChannelHub.
contract HandingReader {
    mapping(uint256 => uint256) private _state;

    function settle(Settlement calldata, Change[] calldata, SignedVote[] calldata) external view returns (bytes32) {
        uint256[4] memory subject;
        return ReadingLibrary.read(_state, subject, msg.data[4:]);
    }
}

contract SettleArgumentsTest is SolidityTest {
    uint256 private constant WORD = 32;
    uint256 private constant SELECTOR = 4;
    /// @dev Words before the lists: a settlement and two places.
    uint256 private constant HEAD_WORDS = 12;
    uint256 private constant MAX_CHANGES = 3;
    uint256 private constant MAX_VOTES = 3;
    uint256 private constant MUTATIONS = 3;
    uint256 private constant EDGES = 12;

    PlainReader private immutable PLAIN = new PlainReader();
    HandingReader private immutable HANDING = new HandingReader();

    /// @dev What was encoded by the rules is read as it is.
    function testFuzzReadsWhatWasEncoded(uint256 seed) external view {
        bytes memory data = _encoded(seed);
        (bool ok, bytes32 expected) = _call(address(PLAIN), data);
        _check(ok, "the compiler reads it");
        (bool handed, bytes32 actual) = _call(address(HANDING), data);
        _check(handed && actual == expected, "the same");
    }

    /// @dev Places, lengths and values are anything: it reads what the compiler would, or refuses with it.
    function testFuzzReadsNothingElse(uint256 seed) external view {
        bytes memory data = _encoded(seed);
        for (uint256 i = 0; i < MUTATIONS; i++) _mutate(data, _roll(seed, 100 + i));
        _compare(data);
    }

    /// @dev Cut off anywhere, or longer than it has to be.
    function testFuzzReadsNothingBeyondTheEnd(uint256 seed, uint256 length) external view {
        bytes memory data = _encoded(seed);
        if (seed % 2 == 0) _mutate(data, _roll(seed, 100));
        length = SELECTOR + WORD * _bound(length, 0, (data.length - SELECTOR) / WORD + 1);
        bytes memory cut = new bytes(length);
        for (uint256 i = 0; i < length && i < data.length; i++) cut[i] = data[i];
        _compare(cut);
    }

    function _compare(bytes memory data) private view {
        (bool ok, bytes32 expected) = _call(address(PLAIN), data);
        (bool handed, bytes32 actual) = _call(address(HANDING), data);
        _check(handed == ok, ok ? "refused" : "not refused");
        _check(actual == expected, "another reading");
    }

    function _call(address reader, bytes memory data) private view returns (bool ok, bytes32 hash) {
        bytes memory result;
        (ok, result) = reader.staticcall(data);
        if (ok) hash = abi.decode(result, (bytes32));
    }

    function _encoded(uint256 seed) private pure returns (bytes memory) {
        Settlement memory settlement;
        settlement.channel = _roll(seed, 0);
        settlement.toHeight = uint64(_roll(seed, 1));
        settlement.head = bytes32(_roll(seed, 2));
        settlement.mode = uint8(_roll(seed, 3));
        Change[] memory changes = new Change[](_roll(seed, 4) % (MAX_CHANGES + 1));
        for (uint256 i = 0; i < changes.length; i++) {
            changes[i] = Change(bytes32(_roll(seed, 10 + i)), bytes32(i), bytes32(_roll(seed, 20 + i)));
        }
        SignedVote[] memory votes = new SignedVote[](_roll(seed, 5) % (MAX_VOTES + 1));
        for (uint256 i = 0; i < votes.length; i++) {
            bytes memory signature = new bytes(_roll(seed, 30 + i) % 4 == 0 ? i : 65);
            if (signature.length != 0) signature[0] = bytes1(uint8(i + 1));
            votes[i] = SignedVote(address(uint160(_roll(seed, 40 + i))), uint8(i), signature);
        }
        return abi.encodeCall(PlainReader.settle, (settlement, changes, votes));
    }

    /// @dev Puts something into a word: most often into one of those that say where things are, or how long.
    function _mutate(bytes memory data, uint256 seed) private pure {
        uint256 words = (data.length - SELECTOR) / WORD;
        uint256 at_ = _roll(seed, 0) % 2 == 0 ? HEAD_WORDS - 2 + (_roll(seed, 1) % 2) : _roll(seed, 1) % words;
        uint256 value = _edge(seed, words);
        assembly ("memory-safe") {
            mstore(add(add(data, 0x24), mul(at_, 0x20)), value)
        }
    }

    function _edge(uint256 seed, uint256 words) private pure returns (uint256) {
        uint256 roll = _roll(seed, 2);
        uint256[EDGES] memory edges = [
            uint256(0),
            1,
            type(uint256).max,
            type(uint64).max,
            uint256(type(uint64).max) + 1,
            1 << 160,
            1 << 255,
            // Further than there is, and to the end.
            words * WORD,
            words * WORD - WORD,
            // Anywhere inside, whole words and not.
            (roll % words) * WORD,
            roll % (words * WORD),
            roll % (MAX_CHANGES + 2)
        ];
        return edges[_roll(seed, 3) % EDGES];
    }

    function _roll(uint256 seed, uint256 index) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, index)));
    }
}

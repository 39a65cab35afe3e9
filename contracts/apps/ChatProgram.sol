// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MemberProgram} from "./MemberProgram.sol";

/// @title What members of a chat say
/// @notice The state has the last lines and a hash over all of them: whoever has an older line, from a record or a copy of it,
/// proves it by that. A group's next channel goes on where the last one ended.
///
/// chain(n) = keccak256(abi.encode(chain(n - 1), n, author, timeMs, keccak256(text))), lines counted from 1.
contract ChatProgram is MemberProgram {
    struct Line {
        address author;
        uint64 timeMs;
        string text;
    }

    /// @notice Lines in the state.
    uint256 public constant RING = 64;
    /// @notice Bytes of a line.
    uint256 public constant MAX_TEXT = 512;

    /// @notice What the group is called.
    string public title;
    /// @notice Lines that were ever said; the newest one's number.
    uint256 public lineCount;
    /// @notice Hash over all lines.
    bytes32 public chain;
    /// @dev Number of the first line of this channel; older ones are in an older channel's store.
    uint256 private _first;
    mapping(uint256 place => Line) private _ring;

    event Said(uint256 indexed number, address indexed author, uint64 timeMs, string text);

    /// @notice A line has 1 to MAX_TEXT bytes.
    error ChatProgram_BadLength(uint256 max, uint256 actual);
    /// @notice The line is not in the state, or not yet said.
    error ChatProgram_NoLine(uint256 first, uint256 last, uint256 number);

    /// @notice Says a line.
    /// @return number From 1.
    /// @dev Members only (MemberProgram_NotMember). Reverts with _BadLength.
    function say(string calldata text) external onlyMember returns (uint256 number) {
        uint256 length = bytes(text).length;
        if (length == 0 || length > MAX_TEXT) revert ChatProgram_BadLength(MAX_TEXT, length);
        number = ++lineCount;
        (address author, uint64 timeMs) = (_sender(), _timeMs());
        chain = keccak256(abi.encode(chain, number, author, timeMs, keccak256(bytes(text))));
        _ring[number % RING] = Line({author: author, timeMs: timeMs, text: text});
        emit Said(number, author, timeMs, text);
    }

    /// @notice Asks to leave the chat.
    /// @dev Members only (MemberProgram_NotMember).
    function goAway() external onlyMember {
        _requestLeave(_sender());
    }

    /// @notice A line of the last ones.
    /// @dev Reverts with _NoLine.
    function lineAt(uint256 number) external view returns (Line memory) {
        uint256 first = firstLine();
        if (number < first || number > lineCount) revert ChatProgram_NoLine(first, lineCount, number);
        return _ring[number % RING];
    }

    /// @notice All lines that are in the state, from `firstLine()` on.
    function lines() external view returns (Line[] memory all) {
        uint256 first = firstLine();
        all = new Line[](lineCount + 1 - first);
        for (uint256 i = 0; i < all.length; i++) {
            all[i] = _ring[(first + i) % RING];
        }
    }

    /// @notice Number of the oldest line in the state; one more than `lineCount()` when there is none.
    function firstLine() public view returns (uint256) {
        uint256 oldest = lineCount < RING ? 1 : lineCount + 1 - RING;
        return oldest < _first ? _first : oldest;
    }

    function _initialize(bytes calldata initialState) internal override {
        (title, lineCount, chain) = abi.decode(initialState, (string, uint256, bytes32));
        _first = lineCount + 1;
    }
}

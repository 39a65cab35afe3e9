// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title Lines of text in storage, and strings that grow and shrink across the border of one slot
contract PostMock is ContextReader {
    struct Line {
        address author;
        uint64 timeMs;
        bytes text;
    }

    Line[] private _lines;
    bytes private _draft;
    bytes32 public chain;

    event Posted(address indexed author, uint256 indexed number, bytes text);

    function post(bytes calldata text) external {
        _lines.push(Line(_sender(), _timeMs(), text));
        emit Posted(_sender(), _lines.length, text);
    }

    function postHash(bytes calldata text) external {
        chain = keccak256(abi.encode(chain, _sender(), text));
        emit Posted(_sender(), 0, text);
    }

    function edit(uint8 index, bytes calldata text) external {
        _lines[index % 8].text = text;
    }

    function drop() external {
        _lines.pop();
    }

    function append(bytes1 letter) external {
        _draft.push(letter);
    }

    function cut() external {
        _draft.pop();
    }

    function setDraft(bytes calldata text) external {
        _draft = text;
    }

    function line(uint256 index) external view returns (Line memory) {
        return _lines[index];
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title Logs of every number of topics and size of data
contract LogsMock is ContextReader {
    uint256 private _count;

    event One(uint256 value);
    event Two(address indexed who, bytes data);
    event Three(address indexed who, uint256 indexed value, string text);
    event Four(address indexed who, uint256 indexed value, bytes32 indexed hash, uint256[] list);

    function none(bytes calldata data) external {
        bytes memory copy = data;
        assembly ("memory-safe") {
            log0(add(copy, 0x20), mload(copy))
        }
    }

    function one(uint256 value) external {
        emit One(value);
    }

    function two(bytes calldata data) external {
        _count++;
        emit Two(_sender(), data);
    }

    function three(uint256 value, string calldata text) external {
        emit Three(_sender(), value, text);
        if (value % 5 == 0) revert(text);
    }

    function four(uint256 value, uint256[] calldata list) external {
        emit Four(_sender(), value, keccak256(abi.encode(list)), list);
    }

    function many(uint8 count) external {
        for (uint256 i; i < count; ++i) emit One(i);
    }
}

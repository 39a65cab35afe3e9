// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title Fails in all the ways that a program can
contract FailingMock is ContextReader {
    uint256 private _written;
    uint256[] private _list;

    error FailingMock_Refused(uint256 value, bytes reason);

    function refuse(uint256 value, bytes calldata reason) external {
        _written = value;
        revert FailingMock_Refused(value, reason);
    }

    function sayWhy(uint8 length) external pure {
        revert(string(new bytes(length)));
    }

    function sayNothing() external {
        _written++;
        assembly ("memory-safe") {
            revert(0, 0)
        }
    }

    function divide(uint8 by) external returns (uint256) {
        _written++;
        return _written / (by % 3);
    }

    function overflow(uint256 value) external {
        _written = value;
        _written = _written + type(uint128).max * (value % 3) + type(uint256).max / 2;
    }

    function outside(uint8 index) external {
        _list.push(index);
        _list[index % 5] = 1;
    }

    function invalidOpcode() external {
        _written++;
        assembly ("memory-safe") {
            invalid()
        }
    }

    function jumpAnywhere(uint8 target) external {
        function() internal where;
        assembly ("memory-safe") {
            where := target
        }
        _written++;
        where();
    }

    function recurse(uint16 depth) public returns (uint256) {
        _written++;
        return depth == 0 ? 0 : 1 + recurse(depth - 1);
    }

    function returnHuge(uint32 length) external pure {
        assembly {
            return(0, length)
        }
    }

    function unpack(bytes calldata data) external returns (uint256 a, uint256[] memory b) {
        _written++;
        (a, b) = abi.decode(data, (uint256, uint256[]));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title Loops of hashing, arithmetic and memory, some without an end
contract LoopsMock is ContextReader {
    uint256 public result;

    function hash(uint16 rounds) external {
        bytes32 value = bytes32(result);
        for (uint256 i; i < rounds % 2000; ++i) value = keccak256(abi.encode(value, i));
        result = uint256(value);
    }

    function mix(uint256 a, uint256 b, uint8 rounds) external {
        unchecked {
            for (uint256 i; i < rounds; ++i) {
                a = a * b + i;
                b = (b ^ (a >> 7)) | 1;
                a = addmod(a, b, type(uint128).max) + mulmod(a, b, b);
                b = (a % b) + (a / ((b & 0xff) + 1)) - (a ** (i & 7));
                a = uint256(int256(a) / int256((b & 0xffff) + 1)) ^ uint256(int256(a) >> (b & 0xff));
                a = (a << (b & 31)) | (a >> (256 - (b & 31)));
                b = uint256(int256(int8(int256(b)))) + (a < b ? 1 : 0) + (int256(a) > int256(b) ? 2 : 0);
            }
        }
        result = a ^ b;
    }

    function forever() external {
        for (;;) result++;
    }

    function forNothing() external pure {
        for (;;) {}
    }

    function allocate(uint24 length) external {
        bytes memory some = new bytes(length);
        result = some.length;
    }

    function sort(uint256[] memory values) external returns (uint256[] memory) {
        for (uint256 i = 1; i < values.length; ++i) {
            for (uint256 j = i; j > 0 && values[j - 1] > values[j]; --j)
                (values[j - 1], values[j]) = (values[j], values[j - 1]);
        }
        result = values.length == 0 ? 0 : values[0];
        return values;
    }

    function fibonacci(uint8 n) external {
        result = _fibonacci(n % 16);
    }

    function _fibonacci(uint256 n) private pure returns (uint256) {
        return n < 2 ? n : _fibonacci(n - 1) + _fibonacci(n - 2);
    }
}

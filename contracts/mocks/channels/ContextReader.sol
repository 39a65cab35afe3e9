// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What plain test programs know of a call: the 68 bytes at the end of its calldata
abstract contract ContextReader {
    uint256 private constant CONTEXT_BYTES = 68;

    function _sender() internal pure returns (address) {
        return address(bytes20(_context()[:20]));
    }

    function _timeMs() internal pure returns (uint64) {
        return uint64(bytes8(_context()[20:28]));
    }

    function _height() internal pure returns (uint64) {
        return uint64(bytes8(_context()[28:36]));
    }

    function _randomness() internal pure returns (bytes32) {
        return bytes32(_context()[36:]);
    }

    function _context() private pure returns (bytes calldata) {
        return msg.data[msg.data.length - CONTEXT_BYTES:];
    }
}

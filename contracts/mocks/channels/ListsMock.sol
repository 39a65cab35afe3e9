// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title Arrays of words, of bytes and of arrays
contract ListsMock is ContextReader {
    uint256[] private _words;
    uint8[] private _octets;
    uint16[][] private _grid;
    mapping(bytes32 key => uint256[]) private _named;

    function push(uint256 value) external {
        _words.push(value);
    }

    function pop() external {
        _words.pop();
    }

    function swap(uint8 a, uint8 b) external {
        (_words[a % 8], _words[b % 8]) = (_words[b % 8], _words[a % 8]);
    }

    function removeAt(uint8 index) external {
        _words[index % 4] = _words[_words.length - 1];
        _words.pop();
    }

    function pushOctets(bytes calldata octets) external {
        for (uint256 i; i < octets.length && i < 48; ++i) _octets.push(uint8(octets[i]));
    }

    function clearOctets() external {
        delete _octets;
    }

    function pushRow(uint16[] calldata row) external {
        _grid.push(row);
        if (_grid.length > 6) delete _grid;
    }

    function pushNamed(bytes32 key, uint8 value) external {
        _named[bytes32(uint256(key) % 4)].push(value);
    }

    function dropNamed(bytes32 key) external {
        delete _named[bytes32(uint256(key) % 4)];
    }

    function all() external view returns (uint256[] memory, uint8[] memory, uint16[][] memory) {
        return (_words, _octets, _grid);
    }
}

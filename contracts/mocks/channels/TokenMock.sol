// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title A mapping of balances and one of allowances, as tokens have them
contract TokenMock is ContextReader {
    mapping(address owner => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;
    uint256 public totalSupply;

    event Transfer(address indexed from, address indexed to, uint256 amount);
    event Approval(address indexed owner, address indexed spender, uint256 amount);

    error TokenMock_TooLittle(address owner, uint256 needed, uint256 has);

    function mint(uint8 to, uint32 amount) external {
        balanceOf[_account(to)] += amount;
        totalSupply += amount;
        emit Transfer(address(0), _account(to), amount);
    }

    function transfer(uint8 to, uint24 amount) external returns (bool) {
        return _move(_sender(), _account(to), amount);
    }

    function send(address to, uint256 amount) external returns (bool) {
        return _move(_sender(), to, amount);
    }

    function approve(uint8 spender, uint24 amount) external {
        allowance[_sender()][_account(spender)] = amount;
        emit Approval(_sender(), _account(spender), amount);
    }

    function transferFrom(uint8 from, uint8 to, uint24 amount) external {
        allowance[_account(from)][_sender()] -= amount;
        _move(_account(from), _account(to), amount);
    }

    function burnAll() external {
        totalSupply -= balanceOf[_sender()];
        delete balanceOf[_sender()];
    }

    function _move(address from, address to, uint256 amount) private returns (bool) {
        uint256 has = balanceOf[from];
        if (has < amount) revert TokenMock_TooLittle(from, amount, has);
        balanceOf[from] = has - amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
        return true;
    }

    /// Few accounts, so that they meet; half of them are those that call.
    function _account(uint8 index) private pure returns (address) {
        return address(uint160(0xaa00 + (index % 16)));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelProgram} from "../../channels/ChannelProgram.sol";

/// @title Balances that move, for tests and benchmarks
/// @notice It begins with abi.encode(address[] accounts, uint256 amount): each has so much.
contract TokenProgram is ChannelProgram {
    mapping(address account => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 amount);

    error TokenProgram_TooLittle(uint256 balance, uint256 amount);

    function transfer(address to, uint256 amount) external returns (bool) {
        address from = _sender();
        uint256 balance = balanceOf[from];
        if (balance < amount) revert TokenProgram_TooLittle(balance, amount);
        balanceOf[from] = balance - amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
        return true;
    }

    function _initialize(bytes calldata initialState) internal override {
        (address[] memory accounts, uint256 amount) = abi.decode(initialState, (address[], uint256));
        for (uint256 i = 0; i < accounts.length; i++) {
            balanceOf[accounts[i]] = amount;
        }
    }
}

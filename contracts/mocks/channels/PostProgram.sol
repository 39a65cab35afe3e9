// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelProgram} from "../../channels/ChannelProgram.sol";

/// @title Texts that stay in the state, for tests and benchmarks
contract PostProgram is ChannelProgram {
    struct Post {
        address author;
        uint64 timeMs;
        string text;
    }

    Post[] private _posts;

    event Posted(uint256 indexed index, address indexed author, string text);

    function post(string calldata text) external returns (uint256 index) {
        index = _posts.length;
        _posts.push(Post({author: _sender(), timeMs: _timeMs(), text: text}));
        emit Posted(index, _sender(), text);
    }

    function postCount() external view returns (uint256) {
        return _posts.length;
    }

    function postAt(uint256 index) external view returns (address author, uint64 timeMs, string memory text) {
        Post storage one = _posts[index];
        return (one.author, one.timeMs, one.text);
    }
}
